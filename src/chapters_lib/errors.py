"""The one exception for what a user can meet and mend."""


class ChaptersError(Exception):
    """A problem whose message is one line saying what is wrong and what to do.

    The command line prints that line and exits with status 1; everything else is a bug and
    keeps its traceback.
    """
