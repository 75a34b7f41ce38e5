// Takes steps of OpenWhisk's official JavaScript client on stdin, [resource, method, options] each,
// and prints what each gave: {"value": …} or {"error": …, "status": …}. `zip` stands for a Buffer of an action.
import { readFileSync } from "node:fs";
import openwhisk from "openwhisk";

const { apihost, api_key, steps } = JSON.parse(readFileSync(0, "utf8"));
const client = openwhisk({ apihost, api_key });

async function take([resource, method, { zip, ...options } = {}]) {
  if (zip) options.action = Buffer.from(zip, "base64");
  try {
    return { value: await client[resource][method](options) };
  } catch (error) {
    return { error: error.message, status: error.statusCode };
  }
}

const answers = [];
for (const step of steps) answers.push(await take(step));
console.log(JSON.stringify(answers));
