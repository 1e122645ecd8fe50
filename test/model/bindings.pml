/*
 * The machine's key beside those of addresses: one machine, two addresses, provisioners of which each may have heard of nothing that the
 * other did. Every order of messages, transactions, answers that are lost and crashes is searched, without an end.
 *
 * A proposal is decided on what is known and carried out later: etcd compares the revisions of the address's key and of the machine's.
 * What is bound elsewhere stands in the way of binding until it is released, which is proposed first by who knows of it; an offer is made
 * beside it only by who knew of it.
 *
 * Held: the machine is never bound to both addresses. With NO_KEY, where the machine's key is not compared, or without REWRITTEN, where an
 * offer's key is not written again with the lease, it is (the test shows it).
 */
#define PROVISIONERS 2
#define NOWHERE 2

/* Of an address in etcd: its lease is the machine's, or nobody's. */
#define FREE 0
#define OFFERED 1
#define BOUND 2
byte state[2], key = NOWHERE;

#define IDLE 0
#define OFFER 1
#define BIND 2
#define RELEASE 3

/*
 * What a provisioner knows, and whether that is of the present revision; the proposal that waits, its address, whether it was decided by who
 * knew of the other one, and whether that is to be bound once this is released.
 */
typedef Provisioner { byte state[2]; bool isNow[2]; byte key = NOWHERE; bool keyIsNow; byte doing, at; bool knew, then }
Provisioner p[PROVISIONERS];

#ifndef REWRITTEN
#define REWRITTEN true
#endif
#ifdef NO_KEY
#define keyHolds(i) true
#else
#define keyHolds(i) p[i].keyIsNow
#endif

#define other(a) (1 - a)
#define isElsewhere(i, a) (p[i].key == other(a) && p[i].state[other(a)] != FREE)

inline decide (n, what, ip) {
  p[n].doing = what; p[n].at = ip; p[n].knew = (what == OFFER && p[n].key == other(ip))
}

inline finish (n) {
  p[n].doing = IDLE; p[n].at = 0; p[n].knew = false; p[n].then = false
}

/*
 * The lease of an address, and the machine's key where that leads elsewhere or the address is bound from now on; the other's copies are of an
 * older revision from here on. Were the key of an offer not written again, who knows of the offer would bind the machine beside it.
 */
inline put (n, ip, what, leadsTo) {
  if :: key != leadsTo || (REWRITTEN && what == BOUND && state[ip] != BOUND) -> key = leadsTo; p[1 - n].keyIsNow = false :: else fi;
  state[ip] = what;
  p[1 - n].isNow[ip] = false;
  if
  :: p[n].state[ip] = what; p[n].isNow[ip] = true; p[n].key = leadsTo; p[n].keyIsNow = true
  /* A crash, or an answer that was lost. */
  :: p[n].isNow[ip] = false; p[n].keyIsNow = false
  fi
}

inline learn (n, ip) {
  p[n].state[ip] = state[ip]; p[n].isNow[ip] = true
}

/* What a refused transaction tells. */
inline learnRefused (n, ip) {
  learn(n, ip);
  p[n].key = key; p[n].keyIsNow = true;
  if :: key == other(ip) -> learn(n, other(ip)) :: else fi
}

inline carryOut (n) {
  if
  /* What was decided is less than what is bound by now. */
  :: p[n].doing == OFFER && p[n].state[p[n].at] == BOUND -> finish(n)
  :: p[n].doing == BIND && isElsewhere(n, p[n].at) && p[n].state[other(p[n].at)] == BOUND -> finish(n)
  :: p[n].doing == OFFER && isElsewhere(n, p[n].at) && !p[n].knew -> finish(n)
  :: else ->
    if
    :: p[n].isNow[p[n].at] && keyHolds(n) ->
      if
      :: p[n].doing == RELEASE && p[n].key == p[n].at -> put(n, p[n].at, FREE, NOWHERE)
      :: p[n].doing == RELEASE && p[n].key != p[n].at -> put(n, p[n].at, FREE, p[n].key)
      :: p[n].doing == OFFER && isElsewhere(n, p[n].at) && p[n].state[other(p[n].at)] == BOUND -> put(n, p[n].at, OFFERED, p[n].key)
      :: p[n].doing == OFFER && !(isElsewhere(n, p[n].at) && p[n].state[other(p[n].at)] == BOUND) -> put(n, p[n].at, OFFERED, p[n].at)
      :: p[n].doing == BIND -> put(n, p[n].at, BOUND, p[n].at)
      fi;
      assert(!(state[0] == BOUND && state[1] == BOUND));
      if
      :: p[n].doing == RELEASE && p[n].then -> p[n].then = false; decide(n, BIND, other(p[n].at))
      :: else -> finish(n)
      fi
    :: !(p[n].isNow[p[n].at] && keyHolds(n)) -> learnRefused(n, p[n].at)
    fi
  fi
}

proctype Run (byte i) {
  byte a;
  do
  /* It hears what happened, all at once, sooner or later. */
  :: atomic { learn(i, 0); learn(i, 1); p[i].key = key; p[i].keyIsNow = true }
  /* DISCOVER: either address, since a range may have become another one; what it has is offered without a word to etcd. */
  :: atomic { p[i].doing == IDLE ->
      select(a : 0 .. 1);
      if :: p[i].state[a] != BOUND -> decide(i, OFFER, a) :: else -> skip fi;
      a = 0
    }
  /* REQUEST: of an offer, however old, or of what it has. Another lease that is known ends first. */
  :: atomic { p[i].doing == IDLE ->
      select(a : 0 .. 1);
      if
      :: p[i].state[other(a)] == BOUND -> decide(i, RELEASE, other(a)); p[i].then = true
      :: p[i].state[other(a)] != BOUND -> decide(i, BIND, a)
      fi;
      a = 0
    }
  :: atomic { p[i].doing == IDLE ->
      select(a : 0 .. 1);
      if :: p[i].state[a] == BOUND -> decide(i, RELEASE, a) :: else -> skip fi;
      a = 0
    }
  :: atomic { p[i].doing != IDLE -> carryOut(i) }
  /* Its process dies, and the next one knows what this one knew. */
  :: atomic { p[i].doing != IDLE -> finish(i) }
  /* An offer ended: who knows of it takes it for nothing. */
  :: atomic { p[i].doing == IDLE && p[i].state[0] == OFFERED -> p[i].state[0] = FREE }
  :: atomic { p[i].doing == IDLE && p[i].state[1] == OFFERED -> p[i].state[1] = FREE }
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. PROVISIONERS - 1) {
      p[i].isNow[0] = true; p[i].isNow[1] = true; p[i].keyIsNow = true;
      run Run(i)
    }
  }
}
