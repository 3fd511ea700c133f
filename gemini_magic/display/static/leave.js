// The card that asks whether a function may run. All it shows is text; what is pressed is told to the kernel.

const AGAIN = 400; // milliseconds after which what was not heard is said once more
const AWAKE = 500; // milliseconds in which buttons do not work yet: a click or key may have been meant for something else
const WRITTEN = "input, textarea, select, [contenteditable=true], .jp-mod-editMode *";
const SUPPRESS = "data-lm-suppress-shortcuts"; // what JupyterLab's command registry looks for on the way up

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function build(call) {
  const [before, name, after] = call.question;
  const button = ([leave, words, title]) => {
    const made = element("button", { type: "button", title, disabled: true }, words);
    made.dataset.leave = leave;
    return made;
  };
  const soft = (words) => (words ? [element("p", { className: "gm-leave-soft" }, words)] : []);
  const question = element("p", { className: "gm-leave-question", role: "alert" });
  question.append(before, element("code", {}, name), after);
  const code = call.code.map(([css, text]) => (css ? element("span", { className: css }, text) : text));
  const card = element("section", { className: "gm-leave", role: "group", ariaLabel: call.label, tabIndex: -1 });
  card.append(
    question,
    ...soft(call.about),
    element("pre", { tabIndex: 0, ariaLabel: "The call" }, ...code),
    ...soft(call.behind),
    element("div", { className: "gm-leave-buttons" }, ...call.buttons.map(button)),
  );
  return card;
}

function render({ model, el }) {
  const card = build(model.get("call"));
  const buttons = [...card.querySelectorAll("button")];
  const begun = performance.now();
  let before = null;
  let timer = null;
  let waking = null;

  // The first message may leave before the kernel has the thread that listens while a cell runs.
  const insist = (message) => {
    clearInterval(timer);
    model.send(message);
    timer = setInterval(() => model.send(message), AGAIN);
  };
  const enable = (able) => {
    for (const button of buttons) button.disabled = !able;
  };
  const heard = (message) => {
    if (message.type !== "ready" || waking !== null) return;
    clearInterval(timer);
    waking = setTimeout(() => enable(true), Math.max(0, begun + AWAKE - performance.now()));
  };
  const pressed = (event) => {
    const button = event.target.closest("button");
    if (button === null || button.disabled) return;
    if (card.contains(document.activeElement)) before?.focus?.({ preventScroll: true });
    enable(false);
    insist({ type: "leave", leave: button.dataset.leave });
  };
  // A button is pressed by Enter and Space, which mean other things to the notebook.
  const keyed = (event) => {
    if (event.composedPath().includes(card)) card.toggleAttribute(SUPPRESS, ["Enter", " "].includes(event.key));
  };
  const lost = () => {
    clearInterval(timer);
    clearTimeout(waking);
    enable(false);
  };

  model.on("msg:custom", heard);
  model.on("comm:close", lost);
  window.addEventListener("keydown", keyed, { capture: true });
  card.addEventListener("click", pressed);
  el.append(card);
  requestAnimationFrame(() => {
    before = document.activeElement;
    if (!before?.matches?.(WRITTEN)) card.focus(); // whoever writes something goes on writing
  });
  insist({ type: "hello" });

  return () => {
    lost();
    model.off("msg:custom", heard);
    model.off("comm:close", lost);
    window.removeEventListener("keydown", keyed, { capture: true });
  };
}

export default { render };
