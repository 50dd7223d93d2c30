"""The library behind *Learning to Generate*: data, models, objectives, training, evaluation, recorded runs.

Imports go one way, from the bottom of this list to its top (ARCHITECTURE.md says what each room is for)::

    errors, reproducibility, folders, data, models, objectives, checkpoint, training, evaluation, recording, recipes,
    experiments, figures, explorers, assignments, pages, submission, gallery, command_line, __main__
"""

__version__ = "0.1.0"
