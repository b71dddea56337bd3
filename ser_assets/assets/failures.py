"""Failures that are foreseen are `dg.Failure`, whose first line, the reason and the fix, the UI shows first."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from ser_assets.plain_words import in_plain_words

Given = ParamSpec("Given")
Made = TypeVar("Made")


def foreseen_failures(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Have a step end with `dg.Failure` where it would raise an exception that tells the user what to do.

    Others are faults of this program: they stay as they are, with the place where they arose.
    """

    @functools.wraps(function)
    def step(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        try:
            return function(*args, **kwargs)
        except dg.Failure:
            raise
        except Exception as error:
            reason = in_plain_words(error)
            if not reason:
                raise
            raise dg.Failure(description=reason, allow_retries=False) from error

    return step
