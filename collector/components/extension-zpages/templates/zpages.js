// Asks for the values again and puts them where they are shown. Without it, the page is loaded anew.
(function () {
  'use strict';
  var EVERY = 2000;
  var button = document.getElementById('pause');
  var stale = document.getElementById('stale');
  var shown = document.querySelectorAll('[data-live]');
  var paused = false;

  function put(element, value) {
    if (element.getAttribute('data-tone') !== value.tone) {
      element.setAttribute('data-tone', value.tone);
    }
    if (element.hasAttribute('data-full')) {
      element.setAttribute('width', Number(element.getAttribute('data-full')) * (value.part || 0));
    } else if (element.localName !== 'rect' && element.textContent !== value.text) {
      element.textContent = value.text;
    }
  }

  function apply(told) {
    stale.hidden = true;
    if (told.configured !== document.body.getAttribute('data-configured')) {
      window.location.reload();
      return;
    }
    shown.forEach(function (element) {
      var key = element.getAttribute('data-live');
      if (Object.prototype.hasOwnProperty.call(told.values, key)) {
        put(element, told.values[key]);
      }
    });
  }

  function ask() {
    if (paused || document.hidden) {
      return;
    }
    fetch('live.json', { cache: 'no-store', credentials: 'same-origin' })
      .then(function (answer) {
        if (!answer.ok) {
          throw new Error(String(answer.status));
        }
        return answer.json();
      })
      .then(apply)
      .catch(function () {
        stale.hidden = false;
      });
  }

  button.hidden = false;
  button.addEventListener('click', function () {
    paused = !paused;
    button.setAttribute('aria-pressed', String(paused));
    button.textContent = paused ? 'Paused' : 'Pause';
    ask();
  });
  window.setInterval(ask, EVERY);
})();
