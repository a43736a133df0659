// Finds text outside of its box or of the drawing, and boxes that overlap.
() => {
  const found = [];
  const holds = (outer, inner) =>
    inner.x >= outer.x - 1 && inner.y >= outer.y - 1 &&
    inner.x + inner.width <= outer.x + outer.width + 1 &&
    inner.y + inner.height <= outer.y + outer.height + 1;
  for (const svg of document.querySelectorAll("svg")) {
    for (const shape of svg.querySelectorAll("text, rect, path")) {
      if (!holds(svg.viewBox.baseVal, shape.getBBox()))
        found.push(`${shape.textContent || shape.tagName} leaves the drawing`);
    }
    const boxes = [...svg.querySelectorAll("rect.node")];
    for (const box of boxes) {
      for (const text of box.parentElement.querySelectorAll("text")) {
        if (!holds(box.getBBox(), text.getBBox()))
          found.push(`${text.textContent} leaves its box`);
      }
    }
    const areas = boxes.map((box) => box.getBBox());
    areas.forEach((one, at) => areas.slice(at + 1).forEach((other) => {
      if (one.x < other.x + other.width && other.x < one.x + one.width &&
          one.y < other.y + other.height && other.y < one.y + one.height)
        found.push("two boxes overlap");
    }));
  }
  return found;
}
