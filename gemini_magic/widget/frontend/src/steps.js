// What each message of the kernel makes of the state. Pure: `(state, message, time)` gives `[state, change]`, nothing, or LOST.

import { addPieces, openLive, withKept } from "./live.js";

const NOTICES_KEPT = 4;
const OF_SNAPSHOT = "snapshot"; // the id of the notice that a snapshot brought

/** The state before anything is known. */
export const EMPTY = {
  ready: false, // a snapshot has been seen
  kernel: "waiting", // "waiting" | "live" | "gone"
  turns: [],
  live: null,
  status: { state: "idle", turn: null },
  settings: {},
  models: null,
  totals: null,
  name: "main",
  starters: [],
  profile: { name: "", model: "" },
  restored: false,
  height: null,
  limit: null,
  notices: [],
};

const GIVEN = ["turns", "settings", "totals", "name", "starters", "profile", "restored", "height", "limit"];

/** The state that a snapshot tells; a notice in `dismissed` is not shown again. */
export function fromSnapshot(before, given, time, dismissed) {
  const { live } = given;
  const told = Object.fromEntries(GIVEN.filter((key) => key in given).map((key) => [key, given[key]]));
  return {
    ...EMPTY,
    ...told,
    ready: true,
    kernel: "live",
    models: given.models ?? before.models,
    live: live ? openLive(live, time) : null,
    status: live ? { state: live.state, turn: live.turn } : EMPTY.status,
    notices: [...noticeOf(given, dismissed), ...before.notices.filter((one) => one.id !== OF_SNAPSHOT)],
  };
}

function noticeOf({ notice }, dismissed) {
  const words = typeof notice === "string" ? { level: "info", text: notice } : notice;
  return words && !dismissed.has(words.text) ? [{ ...words, id: OF_SNAPSHOT }] : [];
}

/** The state with one more notice, the same text shown once and the oldest gone. */
export function withNotice(state, id, level, text) {
  const others = state.notices.filter((notice) => notice.text !== text);
  return { ...state, notices: [...others, { id, level, text }].slice(-NOTICES_KEPT) };
}

/** Where a turn belongs among the others: where its number says, at the end without one. */
function placeOf(view, others) {
  return Math.min((view.number ?? others.length + 1) - 1, others.length);
}

export const LOST = Symbol("lost"); // a message that does not fit what is known

/** A function for each type of message. */
export const STEPS = {
  start(state, message, time) {
    const live = openLive({ ...message, parts: [], state: "waiting", seconds: 0, n: -1 }, time);
    const turns = state.turns.filter((view) => view.turn !== message.turn);
    const status = { state: "waiting", turn: message.turn };
    return [{ ...state, turns, live, status }, { what: "start", turn: message.turn }];
  },

  delta(state, message) {
    const { live } = state;
    if (!live || live.turn !== message.turn) return state.turns.some((view) => view.turn === message.turn) ? null : LOST;
    if (live.n !== null && message.n <= live.n) return null;
    if (live.n !== null && message.n > live.n + 1) return LOST;
    const grown = { ...addPieces(live, message.parts), n: message.n };
    return [{ ...state, live: grown }, { what: "delta", turn: message.turn, parts: message.parts }];
  },

  approval(state, message) {
    const { live } = state;
    if (live?.turn !== message.turn || (message.leave && live.approval?.number !== message.number)) return null;
    const approval = message.leave ? null : message;
    return [{ ...state, live: { ...live, approval } }, { what: "approval" }];
  },

  done(state, message) {
    const { turn } = message;
    const mine = state.live?.turn === turn ? state.live : null;
    const answer = withKept(message.view.answer, mine?.parts);
    if (answer === null) return LOST;
    const others = state.turns.filter((other) => other.turn !== turn && other.turn !== mine?.replaces);
    const place = placeOf(message.view, others);
    const turns = [...others.slice(0, place), { ...message.view, answer }, ...others.slice(place)];
    return [{ ...state, turns, live: mine ? null : state.live, totals: message.totals ?? state.totals }, { what: "done", turn }];
  },

  turns(state, message) {
    const live = message.turns.some((view) => view.turn === state.live?.turn) ? null : state.live;
    return [{ ...state, turns: message.turns, live, totals: message.totals ?? state.totals }, { what: "turns" }];
  },

  status(state, message) {
    const status = { state: message.state, turn: message.turn ?? null };
    if (message.state === "idle" && state.live) return [{ ...state, live: null, status }, { what: "turns" }]; // it was not kept
    const ours = state.live && (!message.turn || message.turn === state.live.turn);
    const live = ours ? { ...state.live, state: message.state } : state.live;
    return [{ ...state, live, status }, { what: "status" }];
  },

  settings(state, message) {
    return [{ ...state, settings: message.settings }, { what: "settings" }];
  },

  notice(state, message) {
    const next = withNotice(state, `k${message.seq}`, message.level, message.text);
    return [next, { what: "notices", draft: message.draft ?? "" }];
  },
};
