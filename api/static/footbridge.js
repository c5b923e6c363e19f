// Everything works without this file. It wakes the vendored components: reveals, password toggle, focus on the error summary.
import { initAll } from "./vendor/nhsuk-frontend.min.js";

document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();

// A form is not sent twice by a tired thumb. After a moment it may be: the page may have stayed for another reason.
const RELEASE_AFTER_MS = 5000;

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-busy", "true");
  setTimeout(release, RELEASE_AFTER_MS, form);
});

// Coming back with the back button finds the form ready again.
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));

// What is shown once can be copied with one press. Where the browser does not let us, the button stays hidden.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copies]") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
    button.parentElement.querySelector("[data-copied]").textContent = "Copied.";
  });
}
