// Signing off after idle time: a warning before it, a button to stay, and what stands in a form is kept on the server.
// Without this file the server does the same when the next form is sent after the session has ended.
const seconds = Number(document.body.dataset.idleSeconds || 0);
const word = document.querySelector("input[name=csrf_token]")?.value;

if (seconds && word) {
  const MARGIN = Math.min(70, seconds / 6); // the server notes that somebody is there at most once a minute
  const WARNING = Math.min(120, seconds / 3);
  const TELL_EVERY = Math.min(60, seconds / 6);
  const KEY = "footbridge-touched"; // a time, shared by the tabs of this browser
  let touched = Date.now();
  let typedInto = null;
  let dialog = null;
  let isLeaving = false;

  function remember(at) {
    touched = Math.max(touched, at);
    try { localStorage.setItem(KEY, String(touched)); } catch { /* a browser that keeps nothing has one tab to think of */ }
  }

  function send(path, fields) {
    fields.set("csrf_token", word);
    const headers = { accept: "text/plain", "x-page": location.pathname + location.search };
    return fetch(path, { method: "POST", body: fields, headers, credentials: "same-origin" });
  }

  async function stay() {
    const asked = Date.now();
    const answer = await send("/account/stay", new URLSearchParams()).catch(() => null);
    if (answer?.redirected) return location.assign(answer.url);
    if (answer?.ok) {
      remember(asked);
      close();
    }
  }

  function wordsOf(form) {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    for (const secret of form.querySelectorAll("input[type=password]")) fields.delete(secret.name);
    fields.set("kept_path", new URL(form.action, location.href).pathname);
    return fields;
  }

  async function signOff() {
    isLeaving = true;
    const form = typedInto?.isConnected && typedInto.method === "post" ? typedInto : null;
    const answer = await send("/account/signed-off", form ? wordsOf(form) : new URLSearchParams()).catch(() => null);
    if (!answer) {
      isLeaving = false; // no network: the server ends the session by itself
      return;
    }
    location.assign(answer.redirected ? answer.url : await answer.text());
  }

  function open() {
    dialog = document.createElement("div");
    dialog.className = "fb-idle";
    dialog.setAttribute("role", "alertdialog");
    dialog.setAttribute("aria-labelledby", "idle-words");
    const words = document.createElement("p");
    words.id = "idle-words";
    words.textContent = "Are you still there? Nothing happened for a while, so you are about to be signed out. What you typed is kept.";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fb-button";
    button.textContent = "Stay signed in";
    button.addEventListener("click", stay);
    dialog.append(words, button);
    document.body.append(dialog);
    button.focus({ preventScroll: true });
  }

  function close() {
    dialog?.remove();
    dialog = null;
  }

  function look() {
    if (isLeaving) return;
    const left = seconds - MARGIN - (Date.now() - touched) / 1000;
    if (left <= 0) signOff();
    else if (left <= WARNING && !dialog) open();
    else if (left > WARNING) close();
  }

  document.addEventListener("input", (event) => {
    typedInto = event.target.form ?? typedInto;
    if (!dialog && Date.now() - touched > TELL_EVERY * 1000) {
      touched = Date.now(); // asked once, however fast somebody types
      stay();
    }
  });
  window.addEventListener("storage", (event) => {
    if (event.key === KEY && event.newValue) touched = Math.max(touched, Number(event.newValue));
  });
  document.addEventListener("visibilitychange", look);
  remember(touched);
  setInterval(look, Math.min(5000, seconds * 50));
}
