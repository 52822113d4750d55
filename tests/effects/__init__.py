"""
What has no effect is warned of, without exception: a check that knows nothing of how files are read.

    python -m tests.effects [FOLDER …]

takes one attribute or element at a time out of every diagram, decision table and form, and looks whether that changes
anything: what is executed, what is shown, or what is found. Where it changes nothing the file says something that has
no effect, and its author must have been warned. Prints what is silent; without a folder for all models of this
repository.

    models      the files

    reading     what a file comes to: what is executed, shown and found, as one text
    pieces      what can be taken out, or said otherwise
    silent      the two together
"""
