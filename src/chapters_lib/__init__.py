"""The library behind *Learning to Generate*: data, models, objectives, training, evaluation, recorded runs.

Imports go one way, from the bottom of this list to its top::

    errors, reproducibility, folders, house_numbers, data, models, objectives, training, evaluation, runs,
    experiments, figures, explorer, gallery, assignments, submission, command_line, __main__
"""

__version__ = "0.1.0"
