"""Every state of a pane, light and dark, wide and narrow, against the rules of an accessibility checker."""

from __future__ import annotations

import pytest
from browser.pane_page import library, stage

pytestmark = pytest.mark.browser

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
WIDE, NARROW = 860, 300
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Puts up a pane in a state, lets it come to rest, and checks it: `rule: element` for everything found.
CHECK = """async ([name, width, rules]) => {
    const {state = {}, then} = scenes[name];
    const {model, element, pane, close} = stage(state, answers);
    element.style.width = `${width}px`;
    const still = element.appendChild(document.createElement('style'));
    still.textContent = '.gm-chat, .gm-chat * { transition: none !important; animation: none !important; }';
    await then?.(model, pane);
    await new Promise(done => setTimeout(done, 50));
    if (!pane.checkVisibility()) throw new Error('the pane is not to be seen');
    const {violations} = await axe.run(pane, {runOnly: rules, resultTypes: ['violations']});
    close();
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target} ${node.failureSummary}`));
}"""
SCENES = """() => {
    const usage = {prompt: 812, answer: 154, thoughts: 12, cached: 0, total: 978, cost: '$0.0012', words: '812 in'};
    const text = words => [{kind: 'text', text: words}];
    const until = async (pane, selector, count = 1) => {
        while (pane.querySelectorAll(selector).length < count) await new Promise(done => setTimeout(done, 10));
    };
    const talk = [
        turnOf({turn: 't1', number: 1, prompt: [{kind: 'file', mime: 'text/csv', bytes: 48210, name: 'visits.csv'},
            ...text('Why do the visits drop?')], usage,
            answer: [{kind: 'thought', text: '**Reading**\\n\\nThe table.', seconds: 6.2}, ...text(
                '# What happened\\n\\nTwo **weeks** were `not` [recorded](https://ok.example/):\\n\\n```python\\n'
                + 'for x in y:\\n    print("x")  # why\\n```\\n\\n| month | visits |\\n|:--|--:|\\n| May | 1 |\\n\\n'
                + '- one\\n- two\\n\\n> well\\n\\n$x^2$'),
            {kind: 'code', language: 'python', text: 'print(1)'}, {kind: 'output', ok: true, text: '1'},
            {kind: 'output', ok: false, text: 'no'}, {kind: 'call', name: 'f', text: '{}'},
            {kind: 'image', blob: 'b', mime: 'image/png', bytes: 70, name: 'a plot'}]}),
        turnOf({turn: 't2', number: 2, from_cell: true, stale: true, sent: false, searches: ['visits in May'],
            sources: [{title: 'A page', url: 'https://ok.example/', host: 'ok.example'}]}),
    ];
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const names = [{name: 'df', kind: 'table', shown: '3 × 4'}, {name: 'fig', kind: 'plot', shown: ''}];
    window.answers = {blob: {mime: 'image/png', data: pixel}, complete: {from: 10, names},
        models: {models: [{name: 'gemini-x', label: 'Gemini X'}]}};
    const start = {type: 'start', turn: 'a', number: 3, prompt: text('And now?'), model: 'm', replaces: null};
    const write = area => (area.dispatchEvent(new Event('input', {bubbles: true})));
    const areaOf = pane => pane.querySelector('.gmc-composer textarea');
    const state = {turns: talk, totals: usage, name: 'visits'};
    const run = {kind: 'run', call: 0, name: 'get_weather', text: '{\\n  "city": "Oslo"\\n}', outcome: 'ok',
        decision: 'run', result: '12 degrees', error: '', seconds: 0.4};
    const calls = [{...run, media: [{kind: 'image', blob: 'b', mime: 'image/png', bytes: 70}]},
        {...run, call: 1, outcome: 'error', result: '', error: 'LookupError: No such city.'},
        {...run, call: 2, outcome: 'denied', decision: 'deny', result: '', error: 'It did not run.', seconds: 0},
        {...run, call: 3, outcome: 'running', result: '', text: `{"city": "${'very long '.repeat(40)}"}`}];
    const question = {type: 'approval', turn: 'a', number: 3, name: 'get_weather', behind: 2,
        args: `{"city": "${'Oslo '.repeat(400)}"}`, description: 'The weather of a city.'};
    const calling = model => {
        model.push(start);
        model.push({type: 'status', state: 'answering', turn: 'a'});
        model.push({type: 'delta', turn: 'a', n: 0, parts: [...text('Let me look.'), ...calls]});
    };
    window.scenes = {
        empty: {state: {starters: ['Explain this error', 'Summarise df']}},
        talk: {state},
        waiting: {state, then: model => model.push(start)},
        thinking: {state, then: model => {
            model.push(start);
            model.push({type: 'status', state: 'answering', turn: 'a'});
            model.push({type: 'delta', turn: 'a', n: 0, parts: [{kind: 'thought', text: '**Choosing**\\n\\nTwo'}]});
        }},
        streaming: {state, then: model => {
            model.push(start);
            model.push({type: 'status', state: 'answering', turn: 'a'});
            model.push({type: 'delta', turn: 'a', n: 0, parts: text('# So\\n\\n```\\nx\\n```\\n\\nand')});
        }},
        settings: {state: {...state, settings: {model: 'gemini-x', temperature: 0.4, top_p: 0.9, thinking: 2048,
            tools: ['google_search'], system: 'Be short.'}},
            then: (model, pane) => pane.querySelector('.gmc-model').click()},
        models: {state, then: async (model, pane) => {
            pane.querySelector('.gmc-model').click();
            pane.querySelector('.gmc-combobox input').focus();
            pane.querySelector('.gmc-combobox input').click();
            await until(pane, '.gmc-combobox [role=option]');
        }},
        calling: {state, then: calling},
        asking: {state, then: async (model, pane) => {
            calling(model);
            areaOf(pane).focus();
            model.push(question);
            await new Promise(done => setTimeout(done, 600));
        }},
        'asking at first': {state, then: model => {
            calling(model);
            model.push(question);
        }},
        'calls open': {state: {turns: [turnOf({answer: calls.slice(0, 3)})]}, then: (model, pane) => {
            pane.querySelectorAll('details').forEach(box => { box.open = true; });
        }},
        menu: {state, then: (model, pane) => pane.querySelector('[aria-haspopup=menu]').click()},
        error: {state: {turns: [turnOf({status: 'failed', sent: false, answer: [],
            error: {title: 'Too many requests', text: 'Ten a minute.', retry: true}})],
            notice: {level: 'warning', text: '{{salse}} is not the name of a variable.'}},
            then: model => model.push({type: 'notice', level: 'error', text: 'It broke.'})},
        blocked: {state: {turns: [turnOf({status: 'blocked', sent: false, answer: [],
            finish: {text: 'Prompt blocked.', can_continue: false}}),
            turnOf({turn: 't2', number: 2, status: 'truncated', finish: {text: 'Cut off.', can_continue: true}}),
            turnOf({turn: 't3', number: 3, status: 'interrupted', finish: {text: 'Stopped.', can_continue: true}})]}},
        attachments: {state, then: async (model, pane) => {
            const files = new DataTransfer();
            const bytes = Uint8Array.from(atob(pixel), letter => letter.charCodeAt(0));
            files.items.add(new File([bytes], 'evening.png', {type: 'image/png'}));
            files.items.add(new File(['a,b'], 'numbers.csv', {type: 'text/csv'}));
            const paste = new ClipboardEvent('paste', {clipboardData: files, bubbles: true, cancelable: true});
            areaOf(pane).dispatchEvent(paste);
            await until(pane, '.gmc-tray .gmc-chip', 2);
        }},
        dropping: {state, then: (model, pane) => {
            const files = new DataTransfer();
            files.items.add(new File(['x'], 'x.txt'));
            pane.dispatchEvent(new DragEvent('dragenter', {dataTransfer: files, bubbles: true, cancelable: true}));
        }},
        edit: {state, then: (model, pane) => pane.querySelector('.gmc-question [aria-label^=Edit]').click()},
        completion: {state, then: async (model, pane) => {
            const area = areaOf(pane);
            area.focus();
            area.value = 'Compare {{d';
            area.setSelectionRange(11, 11);
            write(area);
            await until(pane, '.gmc-composer [role=option]');
        }},
        clearing: {state, then: (model, pane) => {
            pane.querySelector('[aria-haspopup=menu]').click();
            [...pane.querySelectorAll('[role=menuitem]')].at(-1).click();
        }},
        'thoughts open': {state, then: (model, pane) => {
            pane.querySelectorAll('details').forEach(box => { box.open = true; });
        }},
        'a new kernel': {state: {notice: {level: 'info', text: 'New.', offer: 'load'}}},
        faulty: {state, then: (model, pane) => {
            pane.querySelector('.gmc-figures').style.cssText = 'color: #777; background: #888';
            pane.querySelector('.gmc-send').removeAttribute('aria-label');
            pane.querySelector('.gmc-send').removeAttribute('title');
            pane.querySelector('[role=log]').removeAttribute('aria-label');
            pane.querySelector('article').setAttribute('role', 'treeitem');
        }},
        'no kernel': {state, then: model => model.lose()},
    };
    return Object.keys(scenes);
}"""


def test_every_state_of_a_pane_is_accessible(lab, open_notebook):
    page = open_notebook(["1"])
    stage(page)
    page.evaluate("source => { (0, eval)(source); }", library("axe-core/axe.min.js"))
    names = page.evaluate(SCENES)
    page.evaluate("() => { document.body.style.height = '100vh'; }")  # of no height, all in it would count as hidden
    found = {}
    for theme, widths in ((LIGHT, (WIDE, NARROW)), (DARK, (WIDE,))):  # narrow, the colours are the same
        lab.change_theme(page, theme)
        for width in widths:
            found |= {(name, theme, width): page.evaluate(CHECK, [name, width, RULES]) for name in names}
    faults = {place: found.pop(place) for place in list(found) if place[0] == "faulty"}
    assert {place: rules for place, rules in found.items() if rules} == {}
    for rules in faults.values():
        assert {rule.partition(":")[0] for rule in rules} >= {"color-contrast", "button-name"}
