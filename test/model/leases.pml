/*
 * The lease protocol of several provisioners over etcd: one address, machines that want it, provisioners whose clocks differ, links to
 * etcd that come and go, crashes between a transaction and its answer, answers that are lost.
 *
 * etcd compares the revision of the address's key, so that of two who decide on the same state one is refused. What it takes is
 * what counts; an ACK leaves after it. Without etcd a provisioner prolongs what its copy knows as bound to the machine, for SHORT
 * at a time and never beyond SHORT after the expiry in its copy; with it, an address goes to another machine only GRACE after its expiry.
 *
 * Held: never two machines with one address; whoever holds it stands in etcd as its owner; who holds it is never told NAK.
 * With GRACE below SHORT and the SKEW of the clocks the first does not hold (the test shows it).
 *
 * From a decision to its transaction is one step here: the comparison makes it one, since whatever was put in between has it refused, and
 * that it may be refused is a choice at every step. A machine counts its lease from when it asked, so an answer that comes late ends no later.
 */
#ifndef GRACE
#define GRACE (SHORT + SKEW)
#endif
#ifndef PROVISIONERS
#define PROVISIONERS 2
#endif
#define MACHINES 2
#define LEASE 2
#define SHORT 1
#define SKEW 1
#define END 7
#define FLIPS 3
#define NOBODY MACHINES

byte now;

/* The key of the address in etcd: who has it, and until when by the clock of whoever wrote it. */
byte owner = NOBODY, expiry;

/*
 * What a provisioner knows: its copy of the key, whether that is of the key's present revision (which is all that a comparison of
 * revisions tells), and whether it promised something without etcd that it still has to write down: SHORT beyond the expiry at most.
 */
typedef Provisioner { bool linked, current, owes; byte owner, expiry }
Provisioner p[PROVISIONERS];

/* Until when a machine has the address. */
byte until[MACHINES];
byte flips;

#define holds(m) (until[m] > now)
/* A provisioner's clock: the later ones are ahead. */
#define clock(i) (now + (i > 0 -> SKEW : 0))
#define isFree(i) (p[i].owner == NOBODY || clock(i) >= p[i].expiry + GRACE)

inline look (i) {
  p[i].owner = owner; p[i].expiry = expiry; p[i].current = true
}

/* The others' copies are of an older revision from here on. */
inline put (i, m, end) {
  owner = m; expiry = end;
  for (other : 0 .. PROVISIONERS - 1) { p[other].current = false }
  other = 0;
  look(i)
}

inline acknowledge (m, end) {
  if :: until[m] < end -> until[m] = end :: else fi;
  assert(owner == m);
  assert(!(holds(0) && holds(1)))
}

/* It asks any of them, as often as it likes: by a broadcast, or the one that gave it its lease. */
proctype Machine (byte m) {
  byte i, other, left;
  do
  :: now >= END -> break
  :: atomic { now < END ->
      select(i : 0 .. PROVISIONERS - 1);
      if
      :: p[i].linked && !p[i].current -> look(i)
      :: p[i].linked && p[i].current && (p[i].owner == m || isFree(i)) ->
        left = clock(i) + LEASE;
        /* A clock that is behind never shortens what another promised. */
        if :: p[i].owner == m && p[i].expiry > left -> left = p[i].expiry :: else fi;
        put(i, m, left);
        left = 0;
        if
        :: acknowledge(m, now + LEASE)
        /* A crash, or an answer that was lost: the machine asks again. */
        :: skip
        fi
      :: p[i].linked && p[i].current && p[i].owner != m && !isFree(i) ->
        /* Told NAK. */
        assert(!holds(m))
      :: !p[i].linked && p[i].owner == m && clock(i) < p[i].expiry + SHORT ->
        p[i].owes = true;
        if :: p[i].expiry < clock(i) -> left = p[i].expiry + SHORT - clock(i) :: else -> left = SHORT fi;
        acknowledge(m, now + left);
        left = 0
      /* Silence. */
      :: !p[i].linked && !(p[i].owner == m && clock(i) < p[i].expiry + SHORT) -> skip
      fi;
      i = 0
    }
  od
}

/* The link to etcd comes and goes; with it comes what happened meanwhile, and what was promised is written down. */
proctype Link (byte i) {
  byte other;
  do
  :: now >= END -> break
  :: atomic { now < END && p[i].linked && flips < FLIPS -> flips++; p[i].linked = false }
  :: atomic { now < END && !p[i].linked ->
      p[i].linked = true;
      if
      :: p[i].owes && p[i].current -> put(i, p[i].owner, p[i].expiry + SHORT)
      :: else -> look(i)
      fi;
      p[i].owes = false
    }
  /* A process that starts anew has the copy that it kept on disk, which knows no more than before. */
  :: atomic { now < END && !p[i].linked && p[i].owes -> p[i].owes = false }
  od
}

proctype Time () {
  do
  :: atomic { now < END -> now++ }
  :: now >= END -> break
  od
}

init {
  byte i;
  atomic {
    for (i : 0 .. PROVISIONERS - 1) {
      p[i].linked = true; p[i].current = true; p[i].owner = NOBODY;
      run Link(i)
    }
    for (i : 0 .. MACHINES - 1) { run Machine(i) }
    run Time()
  }
}
