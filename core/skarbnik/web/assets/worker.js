// Keeps one page for when there is no line: it holds no personal data, and no other page is ever kept.
"use strict";
const KEPT = "offline-@release@";
const PARTS = ["/offline", "@sheet@", "@colour@"];
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(PARTS.map((part) => new Request(part, { cache: "reload" })))));
  self.skipWaiting();
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)))));
});
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  const sheet = PARTS.includes(new URL(event.request.url).pathname);
  if (event.request.mode !== "navigate" && !sheet) return;
  event.respondWith(fetch(event.request).catch(() => caches.match(sheet ? event.request : "/offline")));
});
