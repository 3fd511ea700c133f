"""Files and variables that go with a question: pasted, dropped, picked, taken off, and what arrives of them."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n" + bytes(range(256))
COPY = """async data => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    await navigator.clipboard.write([new ClipboardItem({'image/png': new Blob([bytes], {type: 'image/png'})})]);
    window.addEventListener('paste', async event => {
        const pasted = new Uint8Array(await event.clipboardData.files[0].arrayBuffer());
        window.pasted = btoa(String.fromCharCode(...pasted));
    }, {capture: true, once: true});
}"""


def picture(size=40, form="PNG"):
    data = io.BytesIO()
    Image.effect_noise((size, size), 80).save(data, form)
    return data.getvalue()


def inline(chats):
    """The files of the last request: type and bytes."""
    parts = [part["inlineData"] for part in chats.request()["contents"][-1]["parts"] if "inlineData" in part]
    return [(part["mimeType"], base64.b64decode(part["data"])) for part in parts]


def drop(pane, *paths):
    """Drop files of the disk on a pane, as a person does."""
    box = pane.root.locator(".gmc-log").bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = pane.page.context.new_cdp_session(pane.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def pick(pane, *files):
    """Choose files by the button."""
    with pane.page.expect_file_chooser() as chooser:
        pane.button("Attach files").click()
    chooser.value.set_files(
        [{"name": name, "mimeType": mime, "buffer": data} for name, mime, data in files],
    )


def test_a_pasted_picture_arrives_byte_by_byte(chats, show, photograph):
    pane = show()
    pane.area.click()
    pane.page.evaluate(COPY, base64.b64encode(picture()).decode())
    pane.page.keyboard.press("Control+V")
    expect(pane.chips).to_contain_text(["pasted-1.png"])
    expect(pane.chips.locator("img")).to_be_visible()
    photograph(pane, "attached")
    pane.asked("What is it?")
    expect(pane.chips).to_have_count(0)
    pasted = base64.b64decode(pane.page.evaluate("window.pasted"))
    assert inline(chats) == [("image/png", pasted)]
    expect(pane.questions.locator("img")).to_be_visible()
    photograph(pane, "asked-with-picture")


def test_two_dropped_files_arrive_byte_by_byte_and_the_notebook_gets_none(chats, show, tmp_path):
    pane = show()
    jpeg, audio = picture(form="JPEG"), b"RIFF\x2c\x00\x00\x00WAVEfmt " + bytes(range(28))
    (tmp_path / "a picture.jpg").write_bytes(jpeg)
    (tmp_path / "sound.wav").write_bytes(audio)
    before = chats.sources()
    drop(pane, tmp_path / "a picture.jpg", tmp_path / "sound.wav")
    expect(pane.chips).to_contain_text(["a picture.jpg", "sound.wav"])
    expect(pane.area).to_be_focused()
    pane.page.keyboard.press("Enter")
    pane.says("Yes.")
    assert inline(chats) == [("image/jpeg", jpeg), ("audio/wav", audio)]
    assert chats.sources() == before


def test_picked_files_go_along_but_not_those_that_were_taken_off(chats, show):
    pane = show()
    pick(
        pane,
        ("paper.pdf", "application/pdf", PDF),
        ("gone.png", "image/png", picture()),
        ("notes.txt", "text/plain", b"Line one\n"),
    )
    expect(pane.chips).to_contain_text(["paper.pdf", "gone.png", "notes.txt"])
    pane.button("Remove gone.png").click()
    expect(pane.chips).to_contain_text(["paper.pdf", "notes.txt"])
    pane.asked("Read.")
    assert inline(chats) == [("application/pdf", PDF)]
    assert "Line one" in chats.asked()[-1]
    assert "notes.txt" in chats.asked()[-1]


def test_a_bad_file_is_refused_by_its_name_and_the_others_stay(chats, show, photograph):
    pane = show()
    good = picture()
    pick(
        pane,
        ("good.png", "image/png", good),
        ("bad.png", "image/png", b"\x89PNG\r\n\x1a\nnot really"),
        ("empty.txt", "text/plain", b""),
    )
    expect(pane.notices).to_contain_text(["empty.txt"])
    expect(pane.chips).to_contain_text(["good.png", "bad.png"])
    pane.ask("Look.")
    expect(pane.notices.last).to_contain_text("bad.png")
    expect(pane.root.locator(".gmc-chip-bad")).to_contain_text(["bad.png"])
    expect(pane.root.locator(".gmc-chip-bad img")).to_have_count(0)
    expect(pane.area).to_have_value("Look.")
    assert chats.gateway.seen == []
    photograph(pane, "refused")
    pane.button("Remove bad.png").click()
    pane.area.press("Enter")
    pane.says("Yes.")
    assert inline(chats) == [("image/png", good)]


def test_a_variable_is_completed_and_its_value_goes_along(chats, show, photograph):
    chats.run("import pandas\nprices = pandas.DataFrame({'city': ['Oslo', 'Rome'], 'price': [17, 23]})")
    pane = show()
    pane.area.click()
    pane.page.keyboard.type("What is {{pri")
    option = pane.root.get_by_role("option", name="prices")
    expect(option).to_be_visible()
    photograph(pane, "variables")
    pane.page.keyboard.press("Tab")
    expect(pane.area).to_have_value("What is {{prices}}")
    pane.page.keyboard.type(" about?")
    pane.page.keyboard.press("Enter")
    pane.says("Yes.")
    asked = chats.asked()[-1]
    assert asked.startswith("What is ")
    assert asked.endswith(" about?")
    assert all(word in asked for word in ("city", "price", "Oslo", "23"))
    expect(pane.questions.locator(".gmc-bubble")).to_have_text("What is {{prices}} about?")


def test_a_name_that_is_not_there_is_said_and_the_question_stays(chats, show, photograph):
    pane = show()
    pane.ask("What is {{nothing_like_it}}?")
    expect(pane.notices).to_contain_text(["nothing_like_it"])
    expect(pane.area).to_have_value("What is {{nothing_like_it}}?")
    assert chats.gateway.seen == []
    photograph(pane, "unbound")
