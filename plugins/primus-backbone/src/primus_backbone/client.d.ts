interface Primus {
  /** Lets the models of a Backbone that is imported use this client; a global one is found by itself. */
  backbone<Backbone>(Backbone: Backbone): Backbone;
}
