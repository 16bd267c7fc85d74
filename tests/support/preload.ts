/** CI is to give the same answer for the same code: there the property tests take one seed; elsewhere each run draws its own. */
import fc from "fast-check";

if (process.env.CI) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_122 });
