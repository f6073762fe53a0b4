/* The connection map of the C reference: the design of packages/dispatch in C. Nine words a connection, an index of hash
 * and slot side by side with linear probing, deletion that shifts back, HalfSipHash-1-3 over the key. */
#ifndef MAP_H
#define MAP_H

#include <stdint.h>
#include <stdlib.h>

enum state { FREE, HALF_OPEN, ESTABLISHED, CLOSING };

struct record {
  uint32_t client, ports, tag; /* tag: protocol << 16 | server << 8 | state */
  int32_t last_seen;
  uint32_t packets, bytes_low, bytes_high;
  int32_t older, newer; /* of the same state; of a free slot `newer` is the next free one */
};

struct cell {
  uint32_t hash;
  int32_t slot; /* + 1; 0: empty */
};

struct age_list {
  int32_t oldest, newest;
};

struct map {
  struct record *records;
  struct cell *cells;
  struct age_list ages[CLOSING + 1];
  uint32_t places, key0, key1;
  int32_t capacity, high_water, first_free, cursor, count;
};

static const int32_t TIMEOUT_MS[] = {0, 60000, 7440000, 240000};

static inline uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

static inline uint32_t hash3(const struct map *map, uint32_t a, uint32_t b, uint32_t c) {
  const uint32_t words[7] = {a, b, c, 12u << 24, 0, 0, 0};
  uint32_t v0 = map->key0, v1 = map->key1, v2 = 0x6c796765 ^ map->key0, v3 = 0x74656462 ^ map->key1;
  for (int round = 0; round < 7; round++) {
    if (round == 4) v2 ^= 0xff;
    v3 ^= words[round];
    v0 += v1, v1 = rotate(v1, 5) ^ v0, v0 = rotate(v0, 16);
    v2 += v3, v3 = rotate(v3, 8) ^ v2;
    v0 += v3, v3 = rotate(v3, 7) ^ v0;
    v2 += v1, v1 = rotate(v1, 13) ^ v2, v2 = rotate(v2, 16);
    v0 ^= words[round];
  }
  return v1 ^ v3;
}

static inline uint32_t home_of(const struct map *map, uint32_t hash) {
  return (uint32_t)((uint64_t)hash * map->places >> 32);
}

static inline uint32_t following(const struct map *map, uint32_t place) {
  return place + 1 == map->places ? 0 : place + 1;
}

static inline uint32_t distance(const struct map *map, uint32_t from, uint32_t to) {
  return to >= from ? to - from : to - from + map->places;
}

static void map_open(struct map *map, int32_t capacity, uint32_t key0, uint32_t key1) {
  map->places = (uint32_t)capacity / 16 * 23 + 24;
  map->records = calloc((size_t)capacity, sizeof *map->records);
  map->cells = calloc(map->places, sizeof *map->cells);
  if (map->records == NULL || map->cells == NULL) exit(1);
  for (int state = 0; state <= CLOSING; state++) map->ages[state].oldest = map->ages[state].newest = -1;
  map->capacity = capacity, map->high_water = map->cursor = map->count = 0;
  map->first_free = -1, map->key0 = key0, map->key1 = key1;
}

static inline int state_of(const struct record *record) { return record->tag & 0xff; }
static inline int server_of(const struct record *record) { return record->tag >> 8 & 0xff; }
static inline int has_ages(int state) { return state == HALF_OPEN || state == CLOSING; }

static void leave_state(struct map *map, int32_t slot) {
  struct record *record = &map->records[slot];
  struct age_list *ages = &map->ages[state_of(record)];
  if (!has_ages(state_of(record))) return;
  if (record->older < 0) ages->oldest = record->newer;
  else map->records[record->older].newer = record->newer;
  if (record->newer < 0) ages->newest = record->older;
  else map->records[record->newer].older = record->older;
}

static void enter_state(struct map *map, int32_t slot, int state) {
  struct record *record = &map->records[slot];
  struct age_list *ages = &map->ages[state];
  record->tag = (record->tag & ~0xffu) | (uint32_t)state;
  if (!has_ages(state)) return;
  record->older = ages->newest, record->newer = -1;
  if (ages->newest < 0) ages->oldest = slot;
  else map->records[ages->newest].newer = slot;
  ages->newest = slot;
}

static inline void set_state(struct map *map, int32_t slot, int state) {
  leave_state(map, slot);
  enter_state(map, slot, state);
}

static int32_t map_find(const struct map *map, uint32_t client, uint32_t ports, uint32_t protocol) {
  uint32_t hash = hash3(map, client, ports, protocol << 16);
  for (uint32_t place = home_of(map, hash); map->cells[place].slot != 0; place = following(map, place)) {
    if (map->cells[place].hash != hash) continue;
    int32_t slot = map->cells[place].slot - 1;
    const struct record *record = &map->records[slot];
    if (record->client == client && record->ports == ports && record->tag >> 16 == protocol) return slot;
  }
  return -1;
}

static void map_remove(struct map *map, int32_t slot) {
  struct record *record = &map->records[slot];
  struct cell *cells = map->cells;
  uint32_t hole = home_of(map, hash3(map, record->client, record->ports, record->tag & 0xffff0000));
  while (cells[hole].slot != slot + 1) hole = following(map, hole);
  for (uint32_t place = following(map, hole); cells[place].slot != 0; place = following(map, place)) {
    uint32_t home = home_of(map, cells[place].hash);
    if (distance(map, home, place) < distance(map, hole, place)) continue;
    cells[hole] = cells[place];
    hole = place;
  }
  cells[hole].slot = 0;
  leave_state(map, slot);
  record->tag = 0, record->newer = map->first_free;
  map->first_free = slot, map->count--;
}

static int32_t allocate(struct map *map) {
  if (map->first_free < 0 && map->high_water == map->capacity) {
    int32_t victim = map->ages[HALF_OPEN].oldest >= 0 ? map->ages[HALF_OPEN].oldest : map->ages[CLOSING].oldest;
    if (victim < 0) return -1;
    map_remove(map, victim);
  }
  if (map->first_free < 0) return map->high_water++;
  int32_t slot = map->first_free;
  map->first_free = map->records[slot].newer;
  return slot;
}

static int32_t map_insert(struct map *map, uint32_t client, uint32_t ports, uint32_t protocol, int server, int state) {
  int32_t slot = allocate(map);
  if (slot < 0) return -1;
  uint32_t hash = hash3(map, client, ports, protocol << 16);
  uint32_t place = home_of(map, hash);
  while (map->cells[place].slot != 0) place = following(map, place);
  map->cells[place] = (struct cell){hash, slot + 1};
  map->records[slot] = (struct record){client, ports, protocol << 16 | (uint32_t)server << 8, 0, 0, 0, 0, -1, -1};
  enter_state(map, slot, state);
  map->count++;
  return slot;
}

static inline void map_touch(struct map *map, int32_t slot, uint32_t bytes, int32_t now_ms) {
  struct record *record = &map->records[slot];
  record->last_seen = now_ms;
  record->packets++;
  uint32_t low = record->bytes_low + bytes;
  if (low < bytes) record->bytes_high++;
  record->bytes_low = low;
}

/* A bounded piece of ageing. */
static void map_collect(struct map *map, int32_t now_ms, int budget) {
  for (; budget > 0; budget--) {
    if (map->cursor >= map->high_water) {
      map->cursor = 0;
      return;
    }
    int32_t slot = map->cursor++;
    const struct record *record = &map->records[slot];
    int state = state_of(record);
    if (state == FREE) continue;
    int32_t limit = record->tag >> 16 == 17 ? 300000 : TIMEOUT_MS[state];
    if ((int32_t)((uint32_t)now_ms - (uint32_t)record->last_seen) > limit) map_remove(map, slot), budget -= 7;
  }
}

#endif
