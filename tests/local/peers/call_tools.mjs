// A question whose functions @google/genai calls by itself, installed under the name in the first argument:
// told where on stdin, tells what came on stdout.
import { readFileSync } from "node:fs";

const { GoogleGenAI } = await import(process.argv[2]);

const ask = JSON.parse(readFileSync(0, "utf8"));
const client = new GoogleGenAI({ apiKey: ask.token, httpOptions: { baseUrl: ask.base_url } });
const called = [];
const functions = {
  get_weather: ({ city, days = 1 }) => {
    called.push(["get_weather", { city, days }]);
    return { result: `${city}: ${days} days of snow at -3.5 degrees ❄` };
  },
  add: ({ a, b }) => {
    called.push(["add", { a, b }]);
    return { result: a + b };
  },
};
const functionDeclarations = [
  {
    name: "get_weather",
    description: "The weather in a city.",
    parametersJsonSchema: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
    },
  },
  {
    name: "add",
    description: "Add two numbers.",
    parametersJsonSchema: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" } },
      required: ["a", "b"],
    },
  },
];
const callable = {
  tool: async () => ({ functionDeclarations }),
  callTool: async (calls) =>
    calls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: functions[name](args ?? {}) } })),
};
const config = { tools: [callable] };
if (ask.thinks) config.thinkingConfig = { includeThoughts: true };
const answer = await client.models.generateContent({ model: ask.model, contents: ask.prompt, config });
const text = answer.candidates[0].content.parts.map((part) => (part.thought ? "" : (part.text ?? ""))).join("");
const version = JSON.parse(
  readFileSync(new URL(`node_modules/${process.argv[2]}/package.json`, import.meta.url), "utf8"),
).version;

process.stdout.write(JSON.stringify({ version, called, text }));
