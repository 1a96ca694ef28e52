"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  // `ast` interprets Vega's expressions instead of compiling them: the page's policy forbids eval.
  const options = { actions: false, renderer: "svg", ast: true };
  const views = [];
  const ready = Object.entries(figures).map(async ([id, specification]) => {
    const box = document.getElementById(id);
    try {
      const { view } = await vegaEmbed(box, specification, options);
      views.push(view);
      box.dataset.drawn = "yes";
    } catch (error) {
      box.textContent = `This figure could not be drawn: ${error.message}`;
    }
  });
  const tell = (signal, value) => {
    for (const view of views) {
      if (signal in view.getState().signals) view.signal(signal, value).runAsync();
    }
  };
  Promise.all(ready).then(() => {
    const find = document.getElementById("find");
    const group = document.getElementById("group");
    find?.addEventListener("input", () => tell("find", find.value.trim().toLowerCase()));
    group?.addEventListener("change", () => tell("group", group.value));
    document.documentElement.dataset.ready = "yes";
  });
})();
