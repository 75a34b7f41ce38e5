// Takes command lines of Adobe's `aio runtime` on stdin, a list of words each, and prints what each gave:
// {"out": …} or {"error": …}. One process runs them all, one after the other; the tool's own takes a second each.
const { readFileSync } = require("node:fs");
const { dirname } = require("node:path");
const { run } = require("@oclif/core");

const plugin = dirname(require.resolve("@adobe/aio-cli-plugin-runtime/package.json"));
const write = process.stdout.write.bind(process.stdout);

async function take(words) {
  let out = "";
  process.stdout.write = (text) => Boolean((out += text));
  try {
    await run(["runtime", ...words], plugin);
    return { out };
  } catch (error) {
    return { out, error: error.message };
  } finally {
    process.stdout.write = write;
  }
}

(async () => {
  const answers = [];
  for (const words of JSON.parse(readFileSync(0, "utf8"))) answers.push(await take(words));
  process.exitCode = 0; // a command that failed is an answer like others
  write(JSON.stringify(answers));
})();
