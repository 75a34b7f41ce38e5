// The state of a container: nothing, then one action, for good.
//
// Statuses and texts are those of OpenWhisk's own Node.js runtime. A line on stdout and stderr ends the log of
// every run and of every init that failed; it is written before the answer, so that whoever has the answer
// finds the log whole.
'use strict';

const fs = require('node:fs');
const { load } = require('./action.cjs');

const SENTINEL = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n';

// Each write waits until the pipe has taken it: nothing that is printed before a process.exit() is lost, and
// the sentinel comes last.
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);

function refuse(status, error) {
  return { status, body: JSON.stringify({ error }) };
}

// What no platform should ask: it is told in the log too.
function refuseLoudly(error) {
  console.error('Internal system error:', error);
  return refuse(403, error);
}

function endLog() {
  for (const descriptor of [1, 2]) {
    try {
      fs.writeSync(descriptor, SENTINEL);
    } catch (error) {
      if (error.code !== 'EBADF' && error.code !== 'EPIPE') throw error; // closed: then nobody reads there
    }
  }
}

function setVariables(values, name = (key) => key) {
  for (const [key, value] of Object.entries(values)) {
    process.env[name(key)] = typeof value === 'string' ? value : value ? JSON.stringify(value) : '';
  }
}

class Container {
  #main = null;
  #started = false;

  async init(message) {
    const value = message.value ?? {};
    if (this.#started) return refuseLoudly('Cannot initialize the action more than once.');
    if (typeof value.code !== 'string' || value.code === '') {
      endLog();
      return refuse(403, 'Missing main/no code to execute.');
    }
    this.#started = true;
    try {
      setVariables(value.env ?? {});
      this.#main = await load(value.code, Boolean(value.binary), value.main || 'main');
    } catch (error) {
      this.#started = false;
      console.error('Error during initialization:', error);
      endLog();
      return refuse(502, `Initialization has failed due to: ${explained(error)}`);
    }
    return { status: 200, body: '{"OK":true}' };
  }

  async run(message) {
    if (this.#main === null) return refuseLoudly('System not initialized.');
    const { value, ...others } = message;
    if (typeof (value ?? {}) !== 'object') {
      return refuseLoudly(`Internal system error: the argument must be a dictionary but has type '${typeof value}'.`);
    }
    setVariables(others, (key) => `__OW_${key.toUpperCase()}`);
    const told = await called(this.#main, value ?? {});
    endLog();
    return told;
  }
}

async function called(main, value) {
  try {
    const result = await settled(main(value));
    if (typeof result !== 'object') {
      console.error(`Result must be of type object but has type "${typeof result}":`, result);
      return refuse(502, 'The action did not return a dictionary.');
    }
    return { status: 200, body: JSON.stringify(result) ?? 'null' };
  } catch (error) {
    console.error(error);
    return refuse(502, `An error has occurred: ${error}`);
  }
}

// What a promise comes to. One that is rejected says that the action failed, as `{"error": …}` does.
async function settled(result) {
  try {
    const value = await result;
    return value === undefined ? {} : value;
  } catch (error) {
    return { error: described(error) };
  }
}

// A syntax error's stack begins with its place, not with what it is.
function explained(error) {
  if (!error?.stack || error.stack.startsWith(error.name)) return String(error?.stack ?? error);
  return `${error}\n    at ${error.stack.split('\n', 1)[0]}`;
}

function described(error) {
  if (!error) return {};
  if (!(error instanceof Error)) return error;
  return { ...error, name: error.name, message: error.message, stack: error.stack };
}

module.exports = { Container, refuse };
