"""What axe-core finds on the pages, and contrasts that it cannot see: signs and handles."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")

from test_browser import Server, Visitor, chromium, drawn, pytestmark  # noqa: E402, F401
from test_phone_browser import PHONE  # noqa: E402

AXE = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
SIZES = {"desktop": {}, "phone": PHONE}
PAGES = {
    "explore": ".fg-tile canvas",
    "photo": ".st-key-fg_photo_welcome",
    "sweep": "[data-testid=stSlider]",
    "library": ".fg-tiles img",
    "dials": ".fg-tiles img",
    "about": "h1",
}

# The contrast of what a property holds and the page behind it, opacity included.
CONTRAST = """([selector, property]) => {
    const element = document.querySelector(selector);
    const style = getComputedStyle(element);
    const pixel = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const lay = (colour, alpha) => { pixel.globalAlpha = alpha; pixel.fillStyle = colour;
        pixel.fillRect(0, 0, 1, 1); };
    const light = () => { const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data]
        .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    let opacity = 1; const behind = [];
    for (let e = element; e; e = e.parentElement) {
        opacity *= getComputedStyle(e).opacity;
        behind.unshift(getComputedStyle(e).backgroundColor); }
    behind.forEach(colour => lay(colour, 1));
    const page = light();
    lay(property.startsWith('--') ? style.getPropertyValue(property) : style[property], opacity);
    const ink = light();
    return (Math.max(page, ink) + 0.05) / (Math.min(page, ink) + 0.05); }"""


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A server that nobody has kept anybody at."""
    monkeypatch.setenv("FACEGEN_DATA", str(tmp_path / "data"))
    server = Server("tests/fake_app.py", tmp_path / "log.txt")
    yield server
    server.stop()


def faults(page):
    """The serious and critical violations on the page as it is: rule, where, why."""
    page.evaluate(AXE)
    return page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
        .filter(rule => ['serious', 'critical'].includes(rule.impact))
        .flatMap(rule => rule.nodes.map(node =>
            `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`))"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_serious(empty, chromium, scheme, size):  # noqa: F811
    context = {"color_scheme": scheme} | SIZES[size]
    visitor = Visitor(chromium, empty.url, "/?seed=417&smile=1", **context)
    page = visitor.page
    page.locator("[data-dial=smile].seen").wait_for(state="attached")
    page.locator(".st-key-star button:visible").click()
    page.locator(".st-key-star", has_text="Kept").wait_for()
    assert faults(page) == []
    for name, ready in PAGES.items():
        page.goto(f"{empty.url}/{name}?seed=417")
        page.locator(ready).first.wait_for()
        assert faults(page) == [], name
    visitor.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_signs_and_handles_of_dials_stand_out(drawn, chromium, scheme, size):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", color_scheme=scheme, **SIZES[size])
    page = visitor.page
    page.locator(".fg-pills").locator("text=Expression").evaluate("pill => pill.click()")
    page.locator("[data-dial=smile].seen").wait_for()
    page.mouse.move(5, 5)

    def contrast(selector, what="color"):
        return page.evaluate(CONTRAST, [selector, what])

    for sign in ("[data-dial=smile] .fg-lock", ".on .fg-dice", ".fg-identity"):
        assert contrast(sign) >= 3, sign
    for words in (".fg-ends", ".fg-value", "label"):
        assert contrast(f"[data-dial=smile] {words}") >= 4.5, words
    edge = contrast("[data-dial=smile]", "--knob-edge")
    knob = contrast("[data-dial=smile]", "--knob")
    assert max(edge, knob) >= 3
    visitor.close()


def test_a_dial_says_its_value_with_unit_and_ends(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    first = visitor.face_id
    for name, said in (
        ("yaw", "{} degrees, from left to right"),
        ("smile", "{} deviations, from serious to smiling"),
        ("psi", "{}, from typical to unusual"),
    ):
        slider = visitor.slider(name)
        digits = 0 if name == "yaw" else 2
        shown = f"{float(slider.input_value()):.{digits}f}".rstrip("0").rstrip(".")
        assert slider.get_attribute("aria-valuetext") == said.format(shown or "0"), name
    visitor.slider("yaw").focus()
    visitor.page.keyboard.press("End")
    visitor.wait_other(first)
    assert "degrees, from left to right" in visitor.slider("yaw").get_attribute("aria-valuetext")
    visitor.close()


def test_one_place_speaks_for_the_whole_page(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page = visitor.page
    page.locator("[data-dial=yaw].seen").wait_for()
    polite = page.locator("[role=status], [role=log], [aria-live=polite]")
    assert polite.count() == 1
    visitor.close()
