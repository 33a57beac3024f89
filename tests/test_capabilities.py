"""The contract: every capability is some model's and somebody's question, and nothing is asked of a model by a name."""

from __future__ import annotations

import ast
import inspect
import typing
from pathlib import Path

import pytest

import playground
from playground import capabilities, checkpoints, models, trainable
from playground.contract import Model

PACKAGE = Path(playground.__file__).parent
FILES = (capabilities, trainable)
CAPABILITIES = [
    kind
    for module in FILES
    for kind in vars(module).values()
    if inspect.isclass(kind) and kind.__module__ == module.__name__ and typing.Protocol in kind.__mro__
]


def members(capability: type) -> set[str]:
    """What a protocol and those that it builds on ask for at run time."""
    protocols = [kind for kind in capability.__mro__ if typing.Protocol in kind.__bases__]
    names = {name for kind in protocols for name in (*vars(kind), *inspect.get_annotations(kind))}
    return {name for name in names if not name.startswith("_") or name == "__call__"}


@pytest.fixture(scope="module")
def shipped():
    """A loaded model of every network that is shipped."""
    return [checkpoints.load(id) for id in {card.network: card.id for card in checkpoints.cards()}.values()]


@pytest.fixture(scope="module")
def untrained():
    """A new model of every recipe whose training is not done, on what it stands on."""
    made, there = [], {card.id for card in checkpoints.cards()}
    for id, (network, recipe) in models.recipes().items():
        if id not in there and (not recipe.built_on or recipe.built_on in there):
            model = models.network_class(network)(recipe.config)
            if recipe.built_on:
                model.build_on(checkpoints.load(recipe.built_on))
            made.append((id, model))
    return made


def sources():
    for file in PACKAGE.rglob("*.py"):
        if file not in [Path(module.__file__) for module in FILES]:
            yield file, ast.parse(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def asked():
    """Every name that is used, in annotations too, anywhere in the program."""
    found = set()
    for _, tree in sources():
        found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found


def test_every_shipped_model_keeps_the_contract(shipped):
    for model in shipped:
        assert isinstance(model, Model), model.card.id
        assert model.card.id and model.file.is_file() and model.weights_hash


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda c: c.__name__)
def test_a_capability_is_claimed_and_asked(capability, shipped, untrained, asked):
    claiming = [model.card.id for model in shipped if isinstance(model, capability)]
    assert claiming or [id for id, model in untrained if isinstance(model, capability)], "no model has it"
    assert len(claiming) < len(shipped), "all have it: then it belongs to the contract"
    assert capability.__name__ in asked, "nobody asks"


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda c: c.__name__)
def test_isinstance_does_not_depend_on_the_version_of_python(capability, shipped):
    """From 3.12 on it looks up members without ``__getattr__``, where torch keeps submodules, parameters and buffers."""
    missing = object()
    for model in shipped:
        there = [inspect.getattr_static(model, name, missing) is not missing for name in members(capability)]
        assert isinstance(model, capability) == all(there), model.card.id


def test_no_promise_is_probed_by_its_name():
    """``isinstance`` of a capability says it; a name in a string is seen by no tool."""
    promised = set().union(*map(members, [Model, *CAPABILITIES]))
    for file, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("hasattr", "getattr"):
                name = node.args[1]
                asks = isinstance(name, ast.Constant) and name.value in promised
                assert not asks, f"{file.relative_to(PACKAGE)}, line {node.lineno}: {ast.unparse(node)}"


def test_what_a_class_promises_is_what_its_models_do(shipped):
    asked = (capabilities.Decodes, capabilities.Encodes, capabilities.Denoises, capabilities.Invertible)
    for model in shipped:
        for capability in asked:
            assert capabilities.promises(type(model), capability) == isinstance(model, capability)
