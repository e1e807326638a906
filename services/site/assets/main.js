// Where the page begins: one connection, and the cards that show what comes over it.

import { showClock } from "./clock.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { showFibonacci } from "./fibonacci.js";
import { showPeople } from "./people.js";
import { showSequence } from "./sequence.js";
import { ignoreSecondClicks } from "./twice.js";
import { showYou } from "./you.js";

const connection = new Connection();
byId("app").hidden = false;
ignoreSecondClicks();
showClock(connection);
showPeople(connection);
showFibonacci(connection);
showSequence(connection);
showYou(connection); // last: it may connect at once, and the others listen
