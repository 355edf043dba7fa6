"""What is said about a name that does not exist, and that it is said once."""

import copy
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

import pullback
from pullback.missing import ADVICE, missing_attribute, nearest_names


def test_message_names_the_nearest() -> None:
    error = missing_attribute("pullback", "logsumexpp", ["logsumexp", "logaddexp", "zeros"])
    assert isinstance(error, AttributeError)
    assert error.name == "logsumexpp"
    assert str(error) == (
        "module 'pullback' has no attribute 'logsumexpp'. Nearest names: 'logsumexp', 'logaddexp'."
    )


def test_message_without_a_near_name() -> None:
    error = missing_attribute("pullback", "qqq", ["zeros", "ones"])
    assert str(error) == "module 'pullback' has no attribute 'qqq', nor any name like it."


def test_capitals_and_underscores_are_not_differences() -> None:
    assert nearest_names("relu", ["Linear", "ReLU", "Conv2d"]) == ["ReLU"]
    assert nearest_names("index_Select", ["index_select", "select"])[0] == "index_select"
    assert set(nearest_names("relu", ["ReLU", "re_lu", "zeros"])) == {"ReLU", "re_lu"}


@pytest.mark.parametrize("name", ["__path__", "_private", "__all__"])
def test_private_names_get_the_plain_error_without_a_look_around(name: str) -> None:
    def names() -> Iterator[str]:
        raise AssertionError("the names were read")
        yield ""

    error = missing_attribute("pullback", name, names())
    assert str(error) == f"module 'pullback' has no attribute '{name}'"


@given(st.text(min_size=1), st.lists(st.text(min_size=1)))
def test_nearest_names_are_public_names_of_the_list(name: str, available: list[str]) -> None:
    near = nearest_names(name, available)
    assert len(near) == len(set(near)) <= 3
    assert set(near) <= {n for n in available if not n.startswith("_") and n != name}


@given(st.permutations("abcdefghijkl"), st.integers(4, 12), st.data())
def test_one_wrong_letter_is_found(letters: list[str], length: int, data: st.DataObject) -> None:
    name = "".join(letters[:length])
    place = data.draw(st.integers(0, length - 1))
    wrong = name[:place] + "0" + name[place + 1 :]
    assert nearest_names(wrong, [name, "Q", "WWWWWWWW"]) == [name]


def test_python_does_not_suggest_a_second_time() -> None:
    code = (
        "import types\n"
        "from pullback.missing import missing_attribute\n"
        "class Strange(types.ModuleType):\n"
        "    logsumexp = 1\n"
        "    def __getattr__(self, name):\n"
        "        raise missing_attribute('strange', name, ['logsumexp'])\n"
        "Strange('strange').logsumexpp\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == (
        "AttributeError: module 'strange' has no attribute 'logsumexpp'. Nearest name: 'logsumexp'."
    )


def test_a_module_getattr_that_uses_it() -> None:
    module = types.ModuleType("sample")
    module.zeros = 0  # type: ignore[attr-defined]

    def module_getattr(name: str) -> object:
        raise missing_attribute("sample", name, vars(module))

    module.__getattr__ = module_getattr  # type: ignore[method-assign]
    assert not hasattr(module, "zeroes")
    with pytest.raises(AttributeError, match=r"Nearest name: 'zeros'\.$") as caught:
        module.zeroes  # noqa: B018
    assert caught.value.name == "zeroes"
    assert str(copy.copy(caught.value)) == str(caught.value)


def test_what_is_absent_on_purpose_says_what_to_do_instead() -> None:
    assert str(missing_attribute("pullback", "lstsq", ["linalg"])) == (
        "module 'pullback' has no attribute 'lstsq': PyTorch removed it too: use "
        "torch.linalg.lstsq."
    )
    assert "one process" in str(missing_attribute("pullback.nn", "SyncBatchNorm", []))
    with pytest.raises(AttributeError, match="downloads nothing"):
        _ = pullback.hub
    with pytest.raises(AttributeError, match=r"has no attribute 'to_sparse': .* dense"):
        pullback.ones(2).to_sparse()


def test_nothing_that_is_there_is_said_to_be_absent() -> None:
    for name in ADVICE:
        *path, last = name.split(".")
        home: Any = pullback
        for part in path:
            home = getattr(home, part, None)
        assert not hasattr(home, last), name


def test_the_alias_gives_the_same_advice() -> None:
    code = "import pullback\npullback.install_as_torch()\nimport torch.fx\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'torch.fx': pullback has no module 'pullback.fx': "
        "pullback runs Python as it is, and compiles what is large by itself."
    )
