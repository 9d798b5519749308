/* ratelimit/script.c - see script.h.
 *
 * The log is the recipe that everybody knows: ZREMRANGEBYSCORE, ZCARD, ZADD, PEXPIRE. The other
 * two are the sums of decide_windows.c and decide_bucket.c, in the same order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script.h"

/* clang-format off */
#define HEAD \
    "local call = redis.call\n" \
    "local key = KEYS[1]\n" \
    "local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])\n" \
    "local time = call('TIME')\n" \
    "local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)\n" \
    "local floor, ceil = math.floor, math.ceil\n" \
    "\n" \
    /* The first command meets what another algorithm may have left under the key. */ \
    "local function first(...)\n" \
    "  local reply = redis.pcall(...)\n" \
    "  if type(reply) ~= 'table' or not reply.err then return reply end\n" \
    "  if string.find(reply.err, 'WRONGTYPE', 1, true) then call('DEL', key) end\n" \
    "  return call(...)\n" \
    "end\n" \
    "\n" \
    "local function verdict(allowed, used, most, wait)\n" \
    "  local remaining = used < most and floor(most - used) or 0\n" \
    "  local reset, retry = 0, 0\n" \
    "  if used > 0 then reset = wait(remaining + 1) end\n" \
    "  if not allowed and cost <= most then retry = wait(cost) end\n" \
    "  return string.format('%d %d %d %d %d %d', allowed and 1 or 0, ceil(used), remaining, reset, retry, now)\n" \
    "end\n" \
    "\n"

static const char log_script[] = HEAD
    "local step = tonumber(ARGV[4])\n"
    "first('ZREMRANGEBYSCORE', key, '-inf', now - window)\n"
    "local used = call('ZCARD', key)\n"
    "local allowed = used + cost <= limit\n"
    "if allowed and cost > 0 then\n"
    "  local at = ceil(now / step) * step\n"
    "  for from = 1, cost, 1000 do\n"
    "    local words = { 'ZADD', key }\n"
    "    for i = from, math.min(from + 999, cost) do\n"
    "      words[#words + 1] = at\n"
    "      words[#words + 1] = i == 1 and ARGV[5] or ARGV[5] .. ':' .. i\n"
    "    end\n"
    "    call(unpack(words))\n"
    "  end\n"
    "  call('PEXPIRE', key, at - now + window)\n"
    "  used = used + cost\n"
    "end\n"
    "return verdict(allowed, used, limit, function(need)\n"
    "  local many = used + need - limit\n"
    "  if many <= 0 or used == 0 then return 0 end\n"
    "  if many > used then many = used end\n"
    "  local oldest = call('ZRANGE', key, many - 1, many - 1, 'WITHSCORES')\n"
    "  local leaves = oldest[2] + window\n"
    "  return leaves > now and leaves - now or 0\n"
    "end)\n";

static const char window_script[] = HEAD
    "local index = floor(now / window)\n"
    "local past = now - index * window\n"
    "local kept = first('HMGET', key, 'index', 'now', 'before')\n"
    "local steps = index - (tonumber(kept[1]) or -9)\n"
    "local current, before = 0, 0\n"
    "if steps == -1 then index, past, steps = index + 1, 0, 0 end\n"
    "if steps == 0 then current, before = tonumber(kept[2]), tonumber(kept[3]) end\n"
    "if steps == 1 then before = tonumber(kept[2]) end\n"
    "local function weigh(n, at) return ceil(n * (window - at) / window) end\n"
    "local used = weigh(before, past) + current\n"
    "local allowed = used + cost <= limit\n"
    "if allowed and cost > 0 then\n"
    "  current, used = current + cost, used + cost\n"
    "  call('HSET', key, 'index', index, 'now', current, 'before', before)\n"
    "  call('PEXPIRE', key, (index + 2) * window - now)\n"
    "end\n"
    "local function fits(n, from, room)\n"
    "  local at = n > 0 and ceil(window - room * window / n) or from\n"
    "  if at < from then at = from end\n"
    "  while at > from and weigh(n, at - 1) <= room do at = at - 1 end\n"
    "  while at < window and weigh(n, at) > room do at = at + 1 end\n"
    "  return at\n"
    "end\n"
    "return verdict(allowed, used, limit, function(need)\n"
    "  local room = limit - need - current\n"
    "  if room >= 0 then return fits(before, past, room) - past end\n"
    "  return window - past + fits(current, 0, math.max(limit - need, 0))\n"
    "end)\n";

static const char bucket_script[] = HEAD
    "local most = tonumber(ARGV[4])\n"
    "local unit = 65536\n"
    "local kept = first('HMGET', key, 'used', 'at')\n"
    "local used, at = tonumber(kept[1]) or 0, tonumber(kept[2]) or now\n"
    "local moment = math.max(at, now)\n"
    "local since = moment - at\n"
    "local function refilled(ms) return floor(limit * unit * ms / window) end\n"
    "local function refills(amount)\n"
    "  if amount <= 0 or limit == 0 then return 0 end\n"
    "  local ms = ceil(amount * window / (limit * unit))\n"
    "  while ms > 0 and refilled(ms - 1) >= amount do ms = ms - 1 end\n"
    "  while refilled(ms) < amount do ms = ms + 1 end\n"
    "  return ms\n"
    "end\n"
    "local left = math.max(used - refilled(since), 0)\n"
    "local allowed = left + cost * unit <= most * unit\n"
    "if allowed and cost > 0 then\n"
    "  left = left + cost * unit\n"
    "  used, since = left, 0\n"
    "  call('HSET', key, 'used', used, 'at', moment)\n"
    "  call('PEXPIRE', key, math.max(refills(used), 1) + moment - now)\n"
    "end\n"
    "return verdict(allowed, left / unit, most, function(need)\n"
    "  return math.max(refills(used + (need - most) * unit) - since, 0)\n"
    "end)\n";
/* clang-format on */

const struct weir_text limit_scripts[] = {
    [SLIDING_LOG] = { log_script, sizeof log_script - 1 },
    [SLIDING_WINDOW] = { window_script, sizeof window_script - 1 },
    [TOKEN_BUCKET] = { bucket_script, sizeof bucket_script - 1 },
};
