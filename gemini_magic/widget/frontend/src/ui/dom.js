// Elements from calls. Text is always text: nothing here takes HTML.

const SVG = "http://www.w3.org/2000/svg";

function give(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** An element: `h("button", {class: "x", onclick: f}, "text", child, null)`. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  give(element, props);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A drawing of one path, in the colour of the text around it. */
export function drawing(path, { size = 16, filled = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  const props = { viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true", focusable: "false" };
  give(svg, { ...props, fill: filled ? "currentColor" : "none", stroke: filled ? "none" : "currentColor" });
  give(svg, { "stroke-width": "1.4", "stroke-linecap": "round", "stroke-linejoin": "round" });
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

let counted = 0;

/** An id for labels and lists, unique in the page. */
export function uniqueId(name) {
  counted += 1;
  return `gmc-${name}-${counted}-${Math.random().toString(36).slice(2, 7)}`;
}

/** Put these children in place of what was there. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** Whether an address may be linked: the web and mail, nothing that runs. */
export function safeLink(url) {
  try {
    const { protocol } = new URL(url);
    return ["http:", "https:", "mailto:"].includes(protocol);
  } catch {
    return false;
  }
}

/** A link that tells the other side nothing, or plain words when the address is not one. */
export function link(url, ...children) {
  if (!safeLink(url)) return h("span", {}, ...children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}
