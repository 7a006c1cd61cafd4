"""Recipes: selfspec's own below a domain's."""

import pytest

from selfspec_core import Domain, UsageError
from selfspec_core.assembly.recipes import RECIPES, layers, read_recipe
from selfspec_core.assembly.resolve import resolve


class Bare(Domain):
    name, title, summary = "bare", "Bare", "changes nothing"


class Own(Bare):
    def recipe(self, size):
        return {"data": {"size": 7}}


@pytest.mark.parametrize("size", RECIPES)
def test_a_domain_is_laid_over_selfspecs_own_recipe(size):
    bare, own = (resolve(layers(domain, size)) for domain in (Bare(), Own()))
    assert own.data.size == 7 != bare.data.size
    assert own.filters.order == bare.filters.order
    assert "novelty" in bare.filters.order


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"pack_{tmp_path.name.replace('-', '_')}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oops", "not valid TOML: "),
        ("[recipie]\n", "unknown table 'recipie'; did you mean 'recipe'?"),
        ("[recipes.fuller]\n", "recipes: unknown table 'fuller'; did you mean 'full'?"),
        ("recipe = 3\n", "'recipe' must be a table"),
        ("recipes.quick = 3\n", "recipes: 'quick' must be a table"),
        (None, "no such file; it holds what"),
    ],
)
def test_what_is_wrong_with_a_recipe_file_is_said(package, text, message):
    if text is not None:
        (package / "domain.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(package.name, "quick")
    assert str(caught.value).startswith(f"{package.name}/domain.toml: {message}")
