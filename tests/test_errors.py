from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from reslim.errors import ArgumentError, BadKind, BadValue, NotCovered, Verbatim


def test_the_text_names_call_constraint_value_and_way_out():
    error = BadValue("ResNet", "depth", "must be a positive integer", 0, "Try 1.")
    assert str(error) == "ResNet(depth=...) must be a positive integer, got 0. Try 1."
    assert error.statement == "must be a positive integer, got 0. Try 1."


def test_without_value_and_way_out_the_text_ends_at_the_constraint():
    assert str(NotCovered("predict", "net", "has no law")) == "predict(net=...) has no law."


def test_none_is_named_where_it_is_of_the_wrong_kind():
    assert str(BadKind("f", "x", "must be a number", None)) == "f(x=...) must be a number, got None."


def test_text_is_quoted_and_verbatim_is_not():
    assert BadValue("f", "x", "is bad", "a").statement == "is bad, got 'a'."
    assert BadValue("f", "x", "is bad", Verbatim("3 values")).statement == "is bad, got 3 values."


@pytest.mark.parametrize("value", [np.ones((3, 3)), Verbatim("two\nlines"), {"a": np.zeros(40)}])
def test_the_text_is_one_line(value):
    assert "\n" not in str(BadKind("f", "x", "must be a number", value))


def test_a_long_value_is_abridged():
    statement = BadValue("f", "x", "is bad", "a" * 200).statement
    assert statement == f"is bad, got '{'a' * 59}… (202 characters)."


def test_an_integer_that_python_does_not_print_is_no_second_error():
    assert BadValue("f", "x", "is bad", 10**5000).statement == "is bad, got int that is too long to print."


@pytest.mark.parametrize(("kind", "builtin"), [(BadValue, ValueError), (BadKind, TypeError), (NotCovered, NotImplementedError)])
def test_errors_are_of_the_builtin_kind_and_survive_pickling(kind, builtin):
    error = kind("f", "x", "is bad", Verbatim("1 value"), "Do this.")
    assert isinstance(error, builtin)
    assert isinstance(error, ArgumentError)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is kind
        assert str(other) == str(error) == "f(x=...) is bad, got 1 value. Do this."
        assert vars(other) == vars(error)
