// A textarea that is as tall as its text, up to what its style sheet allows.

/** Make a textarea grow; returns a function to call when its value was set from outside. */
export function growing(area) {
  const fit = () => {
    area.style.height = "auto";
    if (area.scrollHeight > 0) area.style.height = `${area.scrollHeight}px`;
  };
  area.addEventListener("input", fit);
  requestAnimationFrame(fit);
  return fit;
}
