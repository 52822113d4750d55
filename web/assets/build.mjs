// Bundles every entry point of web/assets into web/static/dist; run by hatch_build.py.

import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const compileConfig = require('bpmnlint/lib/support/compile-config');

const assets = dirname(fileURLToPath(import.meta.url));
const outdir = join(assets, '..', 'static', 'dist');

// A browser has no file system, so the rules that .bpmnlintrc names are resolved to imports here.
const bpmnlint = {
  name: 'bpmnlint',
  setup({ onLoad }) {
    onLoad({ filter: /\.bpmnlintrc$/ }, async ({ path }) => ({
      contents: await compileConfig(JSON.parse(await readFile(path, 'utf-8'))),
      loader: 'js',
      resolveDir: dirname(path)
    }));
  }
};

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: ['app.css', 'app.js', 'viewer.js', 'modeler.js', 'compare.js'].map(name => join(assets, name)),
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'linked',
  loader: { '.svg': 'dataurl', '.woff': 'file', '.woff2': 'file', '.ttf': 'empty', '.eot': 'empty' },
  assetNames: 'fonts/[name]',
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [bpmnlint],
  logLevel: 'warning'
});
