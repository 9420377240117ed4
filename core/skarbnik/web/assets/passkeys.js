// Passkeys: the browser's own dialogue, and its answer in an ordinary form. Pages without it offer codes.
"use strict";

const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// What the server asks, with bytes where the browser wants bytes.
function read(options) {
  options.challenge = fromText(options.challenge);
  if (options.user) options.user.id = fromText(options.user.id);
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    options[name] = (options[name] || []).map((each) => ({ ...each, id: fromText(each.id) }));
  }
  return options;
}

// What the browser answers, with text where the server wants text.
function written(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = toText(made.response[name]);
  }
  return JSON.stringify({ id: made.id, rawId: toText(made.rawId), type: made.type, response, clientExtensionResults: {} });
}

async function answer(form) {
  const question = await fetch(form.dataset.question, {
    method: "POST", body: new URLSearchParams({ csrf_token: form.elements.csrf_token.value }),
  });
  if (!question.ok) throw new Error(question.status);
  const publicKey = read(await question.json());
  const made = form.dataset.passkey === "create" ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey });
  form.elements.answer.value = written(await made);
  const kept = document.querySelector("form:not([data-passkey]) input[name=kept]"); // large, so it stands there once
  if (kept) form.append(kept.cloneNode());
}

if (window.PublicKeyCredential && navigator.credentials) {
  document.querySelectorAll("[data-with-passkeys]").forEach((part) => { part.hidden = false; });
  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const failed = form.querySelector("[data-failed]"), button = form.querySelector("button");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation(); // the form is sent when there is an answer, and not before
      failed.textContent = "";
      button.disabled = true;
      try {
        await answer(form);
        form.submit();
      } catch { // also who closed the dialogue
        failed.textContent = failed.dataset.failed;
        button.disabled = false;
        button.focus();
      }
    });
  });
}
