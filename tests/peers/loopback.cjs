// Loaded before other people's servers that listen on every interface and cannot be told otherwise: it keeps them
// on this machine. They are bound at once, as they would be without it: a name or address given to `listen` is looked
// up first, and some ask for their port before.
"use strict";

const { Server } = require("node:net");

const listen = Server.prototype.listen;

Server.prototype.listen = function (port, ...rest) {
  const isBare = /^\d+$/.test(String(port)) && typeof rest[0] !== "string";
  if (!isBare) return listen.call(this, port, ...rest);
  const done = rest.find((given) => typeof given === "function");
  if (done) this.once("listening", done);
  this._listen2("127.0.0.1", Number(port), 4, 511);
  return this;
};
