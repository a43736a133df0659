// What is wrong with the drawings: texts that leave their box or the drawing, boxes
// that overlap, arrows that cross a box.
() => {
  const found = [];
  const holds = (outer, inner, slack) =>
    inner.x >= outer.x - slack && inner.y >= outer.y - slack &&
    inner.x + inner.width <= outer.x + outer.width + slack &&
    inner.y + inner.height <= outer.y + outer.height + slack;
  for (const svg of document.querySelectorAll("svg")) {
    const all = svg.viewBox.baseVal;
    for (const shape of svg.querySelectorAll("text, rect, path")) {
      if (!holds(all, shape.getBBox(), 1))
        found.push(`${shape.textContent || shape.tagName} leaves the drawing`);
    }
    const boxes = [...svg.querySelectorAll("rect.node")];
    for (const box of boxes) {
      for (const text of box.parentElement.querySelectorAll("text")) {
        if (!holds(box.getBBox(), text.getBBox(), 0))
          found.push(`${text.textContent} leaves its box`);
      }
    }
    const areas = boxes.map((box) => box.getBBox());
    areas.forEach((one, at) => areas.slice(at + 1).forEach((other) => {
      if (one.x < other.x + other.width && other.x < one.x + one.width &&
          one.y < other.y + other.height && other.y < one.y + one.height)
        found.push("two boxes overlap");
    }));
    for (const edge of svg.querySelectorAll("path.edge")) {
      const length = edge.getTotalLength();
      for (let at = 3; at < length - 3; at += 3) {
        const { x, y } = edge.getPointAtLength(at);
        const crossed = areas.findIndex((area) =>
          x > area.x + 1 && x < area.x + area.width - 1 &&
          y > area.y + 1 && y < area.y + area.height - 1);
        if (crossed >= 0) {
          found.push(`an arrow crosses ${boxes[crossed].parentElement.textContent.trim()}`);
          break;
        }
      }
    }
  }
  return found;
}
