// An action's code as a function: one text file, or a zip in base64 that is a Node.js module.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { unzip } = require('./unzip.cjs');

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;
const MODULES = ['.js', '.json', '.node', ''];

// Packages that were installed for everybody, as `npm install -g openwhisk` does, can be required.
for (const prefix of [path.join(path.dirname(process.execPath), '..'), '/usr/local']) {
  Module.globalPaths.push(path.join(prefix, 'lib', 'node_modules'));
}

// The function that `main` names, dots and all; what is thrown says why there is none.
async function load(code, binary, main) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'action-'));
  process.chdir(folder);
  const found = binary ? await ofZip(code, folder, main) : ofText(code, folder, main);
  if (typeof found !== 'function') throw `Action entrypoint '${main}' is not a function.`;
  return found;
}

// A name that the text declares comes first, then what it exports.
function ofText(code, folder, main) {
  const file = path.join(folder, 'index.cjs');
  const root = NAME.test(main) ? main.split('.')[0] : 'undefined';
  fs.writeFileSync(file, `${code}\n;module.declared = typeof ${root} === 'undefined' ? undefined : ${root};`);
  const exported = executed(file, code);
  const declared = require.cache[file].declared;
  const [, ...inner] = main.split('.');
  const found = reached(declared, inner);
  return typeof found === 'function' ? found : reached(exported, main.split('.'));
}

function executed(file, code) {
  try {
    return require(file);
  } catch (error) {
    if (error instanceof SyntaxError) vm.compileFunction(code, [], { filename: file }); // blames no line of ours
    throw error;
  }
}

async function ofZip(code, folder, main) {
  try {
    unzip(Buffer.from(code, 'base64'), folder);
  } catch (error) {
    throw `There was an error uncompressing the action archive: ${error.message}`;
  }
  const [file, names] = entry(folder, main.split('.'));
  const exported = await imported(require.resolve(file));
  return reached(exported, names) ?? reached(exported.default, names);
}

// The file to import and the names in it: `other.main` is `main` of other.js, where there is such a file.
function entry(folder, names) {
  const [first, ...inner] = names;
  if (inner.length > 0 && MODULES.some((end) => fs.existsSync(path.join(folder, first + end)))) {
    return [path.join(folder, first), inner];
  }
  const isModule = ['package.json', 'index.js'].some((name) => fs.existsSync(path.join(folder, name)));
  if (!isModule) throw 'Zipped actions must contain either package.json or index.js at the root.';
  return [folder, names];
}

// CommonJS at once; an ES module, which cannot be required, later.
async function imported(file) {
  try {
    return require(file);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ESM') throw error;
    return import(pathToFileURL(file));
  }
}

function reached(value, names) {
  return names.reduce((inner, name) => inner?.[name], value);
}

module.exports = { load };
