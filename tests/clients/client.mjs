// Takes steps of OpenWhisk's official JavaScript client on stdin, [resource, method, options] each,
// and prints what each gave: {"value": …} or {"error": …, "status": …}. `zip` stands for a Buffer of an action,
// `auth_header` for a handler that gives it.
import { readFileSync } from "node:fs";
import openwhisk from "openwhisk";

const { options: { auth_header, ...options }, steps } = JSON.parse(readFileSync(0, "utf8"));
if (auth_header) options.auth_handler = { getAuthHeader: () => Promise.resolve(auth_header) };
const client = openwhisk(options);

async function take([resource, method, given]) {
  if (given?.zip) given = { ...given, action: Buffer.from(given.zip, "base64") };
  try {
    return { value: await client[resource][method](given) };
  } catch (error) {
    return { error: error.message, status: error.statusCode };
  }
}

const answers = [];
for (const step of steps) answers.push(await take(step));
console.log(JSON.stringify(answers));
