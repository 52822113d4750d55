"""
Small changes to rules, one at a time: which of them does no test notice?

`python3 dev.py mutate [group or module] [--sample N --seed N]` changes the modules of `rules.py`, runs for each change
the tests that belong to the module, and prints the changes that survive, with the reason where `accepted.py` has it.
Nothing in the checkout is written: the tests import the
changed module from another file (`site/sitecustomize.py`), in whatever process they start.
"""
