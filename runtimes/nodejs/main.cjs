// A container of Node.js actions: OpenWhisk's /init and /run over HTTP, nothing but Node.js needed.
//
//     node main.cjs [PORT | PATH | fd:NUMBER]
//
// Listens on a TCP port (8080), a Unix socket made at PATH, or a socket that is inherited and listens already.
// Law: every request is answered with a Content-Length, and the connection stays open for the next.
'use strict';

const http = require('node:http');
const { Container, refuse } = require('./container.cjs');

const container = new Container();
const doors = new Map([
  ['/init', (message) => container.init(message)],
  ['/run', (message) => container.run(message)],
]);

async function answer(request) {
  const { method, url } = request;
  const does = doors.get(url);
  if (does === undefined) {
    return refuse(404, `There is no ${url.slice(0, 200)} here: the container answers POST /init and POST /run.`);
  }
  if (method !== 'POST') return refuse(405, `${url} takes POST, not ${method}.`);
  const text = await read(request);
  let message;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return refuse(400, `Error unmarshaling request: ${error.message}`);
  }
  if (message === null || typeof message !== 'object' || Array.isArray(message)) {
    return refuse(400, 'Error unmarshaling request: the body is no object');
  }
  return does(message);
}

function read(request) {
  return new Promise((done, failed) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => done((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString('utf8')));
    request.on('error', failed);
  });
}

// What the call used: processor time in seconds, and the most memory in bytes that the process ever had.
function usage(before) {
  const { user, system } = process.cpuUsage(before);
  return `cpu=${((user + system) / 1e6).toFixed(6)}, memory=${process.resourceUsage().maxRSS * 1024}`;
}

async function respond(request, response) {
  const before = process.cpuUsage();
  let told;
  try {
    told = await answer(request);
  } catch (error) {
    if (request.destroyed && !request.complete) return; // the client has gone
    told = refuse(500, `Internal error. ${error}`);
  }
  const body = Buffer.from(told.body);
  response.sendDate = false;
  response.writeHead(told.status, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Deepwhisk-Usage': usage(before),
  });
  response.end(body);
}

function place(argument = '8080') {
  if (/^\d+$/.test(argument)) return { port: Number(argument), host: '0.0.0.0' };
  if (/^fd:\d+$/.test(argument)) return { fd: Number(argument.slice(3)) };
  return { path: argument };
}

// A container waits for its platform as long as that likes: no time of its own ends a connection.
const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, respond);
server.on('error', (error) => {
  console.error(`Cannot listen: ${error.message}`);
  process.exit(1);
});
server.listen(place(process.argv[2]));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
