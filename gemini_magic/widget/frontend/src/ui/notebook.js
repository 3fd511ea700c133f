// What lies outside the pane: the clipboard, the notebook's cells, files to save and to open.

/** Put text on the clipboard; true when it is there. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const active = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  field.style.cssText = "position:fixed;top:0;opacity:0";
  document.body.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    active?.focus?.();
  }
}

/** Insert code as a cell below the pane's own; false where the front end gives no way to do so. */
export function insertCell(model, source, root) {
  const notebook = model.widget_manager?.context?.model?.sharedModel;
  if (typeof notebook?.insertCell !== "function") return false;
  const below = placeBelow(notebook, root);
  try {
    notebook.insertCell(below, { cell_type: "code", source, metadata: {} });
    return true;
  } catch {
    return false;
  }
}

function placeBelow(notebook, root) {
  const count = notebook.cells?.length ?? 0;
  const cell = root?.closest?.(".jp-Cell");
  const holder = cell?.closest(".jp-Notebook");
  if (!holder) return count;
  const windowed = cell.closest("[data-windowed-list-index]")?.dataset.windowedListIndex ?? cell.dataset.windowedListIndex;
  const index = windowed === undefined ? [...holder.querySelectorAll(".jp-Cell")].indexOf(cell) : Number(windowed);
  return Math.min(index + 1, count);
}

/** Let the browser save text as a file. */
export function saveText(name, mime, text) {
  const url = URL.createObjectURL(new Blob([text], { type: mime }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Let the person choose files; the promise holds them, none when nothing was chosen. */
export function chooseFiles({ accept = "", multiple = true } = {}) {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept, multiple });
    input.addEventListener("change", () => resolve([...input.files]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}
