/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* site.js - small comforts. Every page works without them. */
"use strict";

/* "Ask the cluster again": shows which pool answers, without a new page. */
function offerToAskPool() {
  const line = document.querySelector("[data-ask-pool]");
  const button = line.querySelector("button");
  const status = line.querySelector("[role=status]");

  async function ask() {
    try {
      const options = { headers: { Accept: "application/json" }, cache: "no-store" };
      const answer = await fetch("/whoami.php", options);
      if (!answer.ok) {
        throw new Error(`status ${answer.status}`);
      }
      const facts = await answer.json();
      status.textContent = `pool ${facts.pool}, process ${facts.pid}`;
    } catch (error) {
      status.textContent = `no answer (${error.message})`;
    }
  }

  button.addEventListener("click", ask);
  line.hidden = false;
}

/* The first wrong field, or the search field on "/". */
function placeCursor() {
  const wrong = document.querySelector("[aria-invalid=true]");
  if (wrong) {
    wrong.focus();
  }
  const search = document.getElementById("q");
  if (search) {
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, textarea, select");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        search.focus();
      }
    });
  }
}

offerToAskPool();
placeCursor();
