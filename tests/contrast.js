// Texts whose contrast with what is behind them is below that of WCAG 2 AA.
() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const isOpaque = (color) => channels(color).length === 3 || channels(color)[3] === 1;
  const behind = (element) => {
    const node = element.closest("g")?.querySelector("rect.node");
    if (node) return getComputedStyle(node).fill;
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (isOpaque(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("title, desc")) continue;
    const own = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent.trim())
      .join("");
    if (!own || element.checkVisibility?.() === false) continue;
    const style = getComputedStyle(element);
    const color = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [luminance(channels(color)), luminance(channels(behind(element)))]
      .sort((one, other) => one - other);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5 || parseFloat(style.fontSize) < 11) found.push([own, contrast]);
  }
  return found;
}
