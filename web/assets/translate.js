// The words of the modeler in the language of the page, as a module for bpmn-js.

import core from 'bpmn-js-i18n/translations/zn';

import own from './zh-CN.json';

const CATALOGUES = { zh: { ...core, ...own } };

// What had no translation; a browser test reads it, so that a new version of the modeler cannot bring English back unseen.
export const missing = new Set();

function catalogueOf(language) {
  return CATALOGUES[language.toLowerCase().split('-')[0]];
}

export function translator(language) {
  const catalogue = catalogueOf(language);
  return function translate(template, replacements = {}) {
    if (catalogue && !(template in catalogue)) {
      missing.add(template);
    }
    const text = catalogue?.[template] ?? template;
    return text.replace(/{([^}]+)}/g, (whole, name) => replacements[name] ?? whole);
  };
}

export default function translateModule(language) {
  return { translate: ['value', translator(language)] };
}
