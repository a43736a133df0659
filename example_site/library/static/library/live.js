// Live pages: shows messages of the websocket in the page.

const page = document.querySelector("[data-live]");
const at = (name) => page.querySelector(`[data-${name}]`);
const read = Number(page.dataset.read ?? 0);
const address = new URL("/live/socket/", location.href.replace(/^http/, "ws"));

let socket;
connect();
at("search")?.addEventListener("input", (event) => ask(event.target.value));

function connect() {
  socket = new WebSocket(address);
  socket.onopen = () => {
    if (read) say({ read });
    if (at("search")?.value) ask(at("search").value);
  };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => {
    write("connection", "No news: the library is closed, or speaks no websockets.");
    setTimeout(connect, 1000);
  };
}

function say(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function ask(words) {
  if (words.trim()) say({ search: words });
  else at("found").replaceChildren();
}

function show(news) {
  if ("error" in news) write("connection", news.error);
  else if ("found" in news) showFound(news);
  else showRoom(news);
}

function showRoom({ window: book, visitors, reading }) {
  const readers = reading.find((open) => open.book.number === read)?.readers ?? 0;
  write("readers", readers > 1 ? `${readers} people have this book open now.` : "");
  write("connection", `${visitors} page${visitors === 1 ? " is" : "s are"} connected.`);
  if (at("reading")) {
    at("reading").replaceChildren(
      ...reading.map((open) => line(open.book, `${open.readers} reading`)),
    );
    at("nobody").hidden = reading.length > 0;
  }
  if (at("window") && book) {
    write("opening", book.opening);
    write("title", book.title);
    write("author", book.author);
    at("title").href = `/books/${book.number}/`;
    at("window").hidden = false;
  }
}

function showFound({ words, found }) {
  // Ignore the answer to an earlier search.
  if (at("search").value !== words) return;
  const lines = found.map((book) => line(book, String(book.year)));
  if (!found.length) lines.push(element("li", "quiet", `No book has “${words}”.`));
  at("found").replaceChildren(...lines);
}

function line(book, aside) {
  const link = element("a", "", book.title);
  link.href = `/books/${book.number}/`;
  const whole = element("li", "", "");
  whole.append(
    element("span", "year", aside),
    link,
    document.createElement("br"),
    element("span", "quiet", book.author),
  );
  return whole;
}

function element(name, kind, text) {
  const made = document.createElement(name);
  made.className = kind;
  made.textContent = text;
  return made;
}

function write(name, text) {
  const place = at(name);
  if (place && place.textContent !== text) place.textContent = text;
}
