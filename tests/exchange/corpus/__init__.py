"""Broken files of a finance system: each way to be wrong once, made from one good file whenever they are needed.

`python -m tests.exchange.corpus` lists them; with a name behind it, writes that one to the standard output.
"""

from tests.exchange.corpus import answers, bombs, head, references, structure, values

GROUPS = (
    structure.cut_files, structure.other_things, structure.not_well_formed, structure.wrong_words,
    structure.wrong_sections, head.encodings, head.characters, head.totals, head.sequence, references.references,
    references.circles, references.rebookings, references.echoes, references.changed_operations,
    references.duplicates, values.sizes, values.days, values.amounts, values.check_digits, bombs.bombs, bombs.many,
    answers.acknowledgements,
)  # fmt: skip
CORPUS = {each.name: each for group in GROUPS for each in group()}
