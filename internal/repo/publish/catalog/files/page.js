"use strict";
(function () {
  var say = document.createElement("p");
  say.className = "vh";
  say.setAttribute("role", "status");
  document.body.appendChild(say);
  function add(code, box) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + (box.dataset.shell ? "this command" : "the digest"));
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(code.textContent).then(function () {
        button.textContent = "Copied";
        say.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; say.textContent = ""; }, 2000);
      }, function () {
        getSelection().selectAllChildren(code);
        say.textContent = "Selected; copy it by the keyboard";
      });
    });
    if (box.dataset.shell) { box.insertBefore(button, code); } else { box.appendChild(button); }
  }
  if (navigator.clipboard) {
    document.querySelectorAll("pre[data-shell], .digest").forEach(function (box) {
      add(box.querySelector("code"), box);
    });
  }
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
  function choose(system) {
    document.querySelectorAll(".system").forEach(function (s) { s.classList.toggle("now", s === system); });
    system.parentElement.classList.add("chosen");
    document.querySelectorAll(".chooser a").forEach(function (a) {
      if (a.hash === "#" + system.querySelector("h3").id) { a.setAttribute("aria-current", "true"); } else { a.removeAttribute("aria-current"); }
    });
  }
  function guess() {
    var name = (navigator.userAgentData && navigator.userAgentData.platform) || navigator.platform || "";
    return document.getElementById(/^win/i.test(name) ? "windows" : /^mac/i.test(name) ? "macos" : "linux");
  }
  function show() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    var system = target && target.closest(".system");
    if (system) { choose(system); target.scrollIntoView({ block: "nearest" }); }
    var box = target && target.closest("details");
    if (box) { box.open = true; target.scrollIntoView(); }
  }
  addEventListener("hashchange", show);
  var first = guess();
  if (first) { choose(first.closest(".system")); }
  show();
})();
