"""Why a recording cannot be turned into sound."""

from ser_assets.rejections import Problem


class DecodeError(ValueError):
    """A recording that cannot be turned into sound; the message says why, without the path, `problem` of what kind.

    `remedy` is a sentence: that of the problem, where none is given.
    """

    def __init__(self, message: str, problem: Problem = Problem.DAMAGED, remedy: str = "") -> None:
        super().__init__(message)
        self.problem = problem
        self.remedy = remedy or problem.remedy
