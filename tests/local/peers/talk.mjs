// Everything a client does, by @google/genai, installed under the name in the first argument:
// told where on stdin, tells what came on stdout.
import { readFileSync } from "node:fs";

const { GoogleGenAI } = await import(process.argv[2]);

const ask = JSON.parse(readFileSync(0, "utf8"));
const client = new GoogleGenAI({ apiKey: ask.token, httpOptions: { baseUrl: ask.base_url } });
const { model, limit } = ask;
const brief = { maxOutputTokens: limit };

const answer = await client.models.generateContent({ model, contents: ask.prompt, config: brief });
const stream = [];
for await (const chunk of await client.models.generateContentStream({ model, contents: ask.prompt, config: brief })) {
  stream.push(chunk);
}
const chat = client.chats.create({ model, config: brief });
const turns = [];
for (const message of ask.turns) turns.push((await chat.sendMessage({ message })).text);
const system = await client.models.generateContent({
  model,
  contents: ask.system_prompt,
  config: { ...brief, systemInstruction: ask.system },
});
const responseSchema = {
  type: "OBJECT",
  properties: {
    city: { type: "STRING", maxLength: "20" },
    degrees: { type: "INTEGER" },
    sky: { type: "STRING", nullable: true, maxLength: "20" },
  },
  required: ["city", "degrees"],
  propertyOrdering: ["city", "degrees", "sky"],
};
const responseJsonSchema = {
  type: "object",
  properties: {
    city: { type: "string", maxLength: 20 },
    degrees: { type: "integer" },
    sky: { anyOf: [{ type: "string", maxLength: 20 }, { type: "null" }] },
  },
  required: ["city", "degrees"],
};
const asJson = async (schema) =>
  JSON.parse(
    (
      await client.models.generateContent({
        model,
        contents: ask.fact,
        config: { responseMimeType: "application/json", ...schema },
      })
    ).text,
  );
let error;
try {
  await client.models.generateContent({ model: "no-such-model", contents: "x" });
} catch (failure) {
  const { code, status, message } = JSON.parse(failure.message).error;
  error = [code, status, message];
}
const models = [];
for await (const entry of await client.models.list()) models.push(entry.name);
const version = JSON.parse(
  readFileSync(new URL(`node_modules/${process.argv[2]}/package.json`, import.meta.url), "utf8"),
).version;

process.stdout.write(
  JSON.stringify({
    version,
    models,
    one_model: (await client.models.get({ model })).name,
    generate: answer.text,
    finish: answer.candidates[0].finishReason,
    usage: answer.usageMetadata.totalTokenCount,
    stream: stream.map((chunk) => chunk.text),
    stream_finish: stream.at(-1).candidates[0].finishReason,
    turns,
    system: system.text,
    openapi: await asJson({ responseSchema }),
    json_schema: await asJson({ responseJsonSchema }),
    tokens: (await client.models.countTokens({ model, contents: ask.prompt })).totalTokens,
    error,
  }),
);
