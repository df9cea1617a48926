/* The page's own manners: theme, menu, copy buttons, the section being read, boxes that scroll by keyboard. */
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const remember = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window */ } };

  const themeButton = document.querySelector(".theme-button");
  const nameTheme = () => themeButton.setAttribute("aria-label", root.dataset.theme === "dark" ? "Use light colors" : "Use dark colors");
  themeButton.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    nameTheme();
  });
  nameTheme();

  const menuButton = document.querySelector(".menu-button");
  const showMenu = (open) => {
    menuButton.setAttribute("aria-expanded", open);
    root.classList.toggle("menu-open", open);
  };
  menuButton.addEventListener("click", () => showMenu(menuButton.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && root.classList.contains("menu-open")) {
      showMenu(false);
      menuButton.focus();
    }
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.querySelector(".search-box input").focus();
    }
  });

  for (const block of all("div.highlight")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy-button", textContent: "Copy" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.querySelector("pre").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Press Ctrl+C";
        getSelection().selectAllChildren(block.querySelector("pre"));
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
    if (block.closest(".cell_input, [class*=highlight-]:not(.cell_output *)")) block.append(button);
  }

  /* A box that scrolls must be reachable by keyboard; one that does not scroll must not be a stop. */
  const boxes = all("pre, .table-box, .math-block");
  const reach = () => boxes.forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
  reach();
  addEventListener("resize", reach);
  document.fonts.ready.then(reach);

  const links = new Map(all(".page-contents a").map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  if (headings.length) {
    const mark = () => {
      const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 140);
      const here = links.get((passed.at(-1) || headings[0]).id);
      links.forEach((link) => link.toggleAttribute("aria-current", link === here));
    };
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    }, { passive: true });
    mark();
  }
})();
