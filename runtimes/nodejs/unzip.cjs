// Reads a zip: central directory, stored and deflated members.
//
// A zip is code of somebody: nothing of it is written outside the folder, no links, no more than a limit.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const MOST_BYTES = 512 * 1024 * 1024;
const MOST_FILES = 50_000;
const END = 0x06054b50; // "end of central directory"
const MEMBER = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
const LINK = 0o120000;

// Unpacks `archive` after every member was found harmless; an Error says which is not.
function unzip(archive, folder) {
  const members = directory(archive);
  check(members);
  for (const member of members) write(member, content(archive, member), folder);
}

function directory(archive) {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  const members = [];
  let at = archive.readUInt32LE(end + 16);
  for (let number = 0; number < count; number += 1) {
    if (archive.readUInt32LE(at) !== MEMBER) throw new Error('its list of files is damaged');
    const member = read(archive, at);
    members.push(member);
    at += member.length;
  }
  return members;
}

// It is the last thing in a zip but for a comment of 65,535 bytes at most.
function findEnd(archive) {
  for (let at = archive.length - 22; at >= Math.max(0, archive.length - 22 - 65_535); at -= 1) {
    if (archive.readUInt32LE(at) === END) return at;
  }
  throw new Error('it is no zip');
}

function read(archive, at) {
  const named = archive.readUInt16LE(at + 28);
  return {
    flags: archive.readUInt16LE(at + 8),
    method: archive.readUInt16LE(at + 10),
    packed: archive.readUInt32LE(at + 20),
    size: archive.readUInt32LE(at + 24),
    mode: archive.readUInt16LE(at + 40), // upper half of the attributes: as Unix keeps them
    start: archive.readUInt32LE(at + 42),
    name: archive.toString('utf8', at + 46, at + 46 + named).replaceAll('\\', '/'),
    length: 46 + named + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32),
  };
}

function check(members) {
  if (members.length > MOST_FILES) throw new Error(`it holds ${members.length} files, more than ${MOST_FILES}`);
  const size = members.reduce((sum, member) => sum + member.size, 0);
  if (size > MOST_BYTES) throw new Error(`it unpacks to ${size} bytes, more than ${MOST_BYTES}`);
  for (const member of members) checkMember(member);
}

function checkMember({ name, method, mode, flags }) {
  if (name.startsWith('/') || name[1] === ':') throw new Error(`it holds an absolute path: ${name}`);
  if (name.split('/').includes('..')) throw new Error(`it holds a path that leaves its folder: ${name}`);
  if (name.includes('\0')) throw new Error(`it holds a name that no file can have: ${JSON.stringify(name)}`);
  if (flags & ENCRYPTED) throw new Error(`it holds an encrypted file: ${name}`);
  if (method !== STORED && method !== DEFLATED) throw new Error(`it holds a file neither stored nor deflated: ${name}`);
  if ((mode & 0o170000) === LINK) {
    throw new Error(`it holds a link: ${name}; zip the file it points to (zip follows links unless told -y)`);
  }
}

function content(archive, { name, method, packed, size, start }) {
  if (archive.readUInt32LE(start) !== LOCAL) throw new Error(`${name} is damaged`);
  const from = start + 30 + archive.readUInt16LE(start + 26) + archive.readUInt16LE(start + 28);
  const held = archive.subarray(from, from + packed);
  const whole = method === STORED ? held : zlib.inflateRawSync(held, { maxOutputLength: Math.max(size, 1) });
  if (whole.length !== size) throw new Error(`${name} is damaged`);
  return whole;
}

function write({ name, mode }, whole, folder) {
  const file = path.join(folder, name);
  if (name.endsWith('/')) {
    fs.mkdirSync(file, { recursive: true });
    return;
  }
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, whole);
  if (mode & 0o777) fs.chmodSync(file, (mode & 0o777) | 0o600);
}

module.exports = { unzip };
