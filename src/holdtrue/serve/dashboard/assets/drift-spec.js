// What the drift line looks like, in Vega-Lite; its rows arrive while it is on screen.

// The page sets how far the axes reach, as rows arrive: Vega-Lite would look for it in each layer, empty ones too.
const X = {
  field: "turn",
  type: "quantitative",
  title: "assistant turn",
  scale: { domain: { expr: "reach_x" }, nice: false, zero: false },
  axis: { format: "d", tickMinStep: 1, grid: false, tickCount: 8 },
};

const Y = (unit) => ({
  field: "value",
  type: "quantitative",
  title: unit === "z" ? "z against benign answers" : "projection (not calibrated: no z)",
  scale: { domain: { expr: "reach_y" }, nice: false, zero: false },
  axis: { tickCount: 6, format: "~g" },
});

// Eight turns and the band from the start, so that the line doesn't jump with each of the first answers.
export function reach(unit, rows) {
  const values = rows.map((row) => row.value);
  if (unit === "z") values.push(-2.9, 2.4);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = 0.07 * (high - low) || 0.5;
  const last = Math.max(8, ...rows.map((row) => row.turn));
  return { reach_x: [0.6, last + 0.4], reach_y: [low - margin, high + margin] };
}

export function specification(unit) {
  const x = X;
  const y = Y(unit);
  const band = (reach, opacity) => ({
    data: { values: [{ low: -reach, high: reach }] },
    mark: { type: "rect", color: "var(--shade)", opacity },
    encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
  });
  const behind =
    unit === "z"
      ? [
          band(2, 0.55),
          band(1, 0.95),
          {
            data: { values: [{ value: 0 }] },
            mark: { type: "rule", color: "var(--assistant)", opacity: 0.55, strokeWidth: 1 },
            encoding: { y },
          },
        ]
      : [];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container",
    height: 180,
    params: Object.entries(reach("z", [])).map(([name, value]) => ({ name, value })),
    autosize: { type: "fit-x", contains: "padding" },
    layer: [
      ...behind,
      {
        data: { name: "changes" },
        encoding: { x },
        layer: [
          { mark: { type: "rule", strokeDash: [2, 3], color: "var(--muted)" } },
          {
            mark: { type: "text", align: "left", baseline: "top", dx: 4, dy: 1, y: 0, color: "var(--muted)", fontSize: 10.5 },
            encoding: { text: { field: "hold" } },
          },
        ],
      },
      {
        data: { name: "running" },
        mark: { type: "line", strokeDash: [3, 3], strokeWidth: 1.8, color: "var(--steady-0)" },
        encoding: { x, y },
      },
      {
        data: { name: "turns" },
        mark: { type: "line", strokeWidth: 2.2, color: "var(--steady-0)" },
        encoding: { x, y },
      },
      {
        data: { name: "alarms" },
        encoding: { x },
        layer: [
          { mark: { type: "rule", color: "var(--alarm)", strokeWidth: 1.2 } },
          {
            mark: { type: "text", align: "right", baseline: "bottom", dx: -5, dy: -3, y: "height", color: "var(--alarm)", fontSize: 11, fontWeight: 600, text: "alarm" },
          },
        ],
      },
      {
        data: { name: "turns" },
        mark: { type: "point", filled: true, opacity: 1, stroke: "var(--paper)", strokeWidth: 1 },
        encoding: {
          x,
          y,
          // Shape as well as colour tells an alarmed turn.
          shape: { condition: { test: "datum.alarm", value: "triangle-down" }, value: "circle" },
          size: { condition: { test: "datum.alarm", value: 110 }, value: 70 },
          color: { condition: { test: "datum.alarm", value: "var(--alarm)" }, value: "var(--steady-0)" },
          tooltip: { field: "label" },
        },
      },
      {
        data: { name: "running" },
        transform: [{ filter: "indexof(datum.label, 'so far') >= 0" }],
        mark: { type: "point", filled: true, color: "var(--paper)", stroke: "var(--steady-0)", strokeWidth: 2, size: 70, opacity: 1 },
        encoding: { x, y, tooltip: { field: "label" } },
      },
    ],
  };
}
