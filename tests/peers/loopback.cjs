// Loaded before other people's servers that listen on every interface and cannot be told otherwise:
// it keeps them on this machine.
"use strict";

const { Server } = require("node:net");

const listen = Server.prototype.listen;

Server.prototype.listen = function (port, ...rest) {
  const isBare = /^\d+$/.test(String(port)) && typeof rest[0] !== "string";
  return isBare ? listen.call(this, port, "127.0.0.1", ...rest) : listen.call(this, port, ...rest);
};
